"""What runs in the fork server and in its children: standard library only, single-threaded, imported with -I -S.

Nothing here may import the rest of vtcode: every module that is loaded costs each run its memory and start time.
"""

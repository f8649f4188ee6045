"""Kernel-enforced isolation: the only room that starts processes."""

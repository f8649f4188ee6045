"""What every room may use: the tree of errors, ids, the clock, atomic files, where vtcode keeps things."""

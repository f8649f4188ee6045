"""`vtcode exec` and `ask`: the same core without a screen."""

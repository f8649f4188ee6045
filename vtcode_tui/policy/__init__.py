"""The execution policy: from a command line to a decision with reasons."""

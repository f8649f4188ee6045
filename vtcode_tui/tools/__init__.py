"""The tools a model may call: typed input, declared access, work for the sandbox."""

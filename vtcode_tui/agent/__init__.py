"""The turn loop and the context that a model is given."""

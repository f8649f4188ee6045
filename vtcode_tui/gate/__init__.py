"""The one way from what the model wants to a grant: policy, human, journal."""

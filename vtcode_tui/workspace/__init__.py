"""The workspace: trust, the path jail, protected paths, the staging layer and its change sets."""

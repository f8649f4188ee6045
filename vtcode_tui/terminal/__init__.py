"""The PTY of a run: pump, screen model, recording."""

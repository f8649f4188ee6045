"""The Agent Client Protocol on stdio: the same core behind an editor."""

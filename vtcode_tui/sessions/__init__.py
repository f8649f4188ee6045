"""Sessions on disk: `session.md`, resume, fork, rewind, search, and the source of replay."""

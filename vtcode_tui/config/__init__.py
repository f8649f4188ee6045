"""vtcode.toml and its layers, with the provenance of every value."""

"""The state systems, one folder each, found by their endpoint.toml."""

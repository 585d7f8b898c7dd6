"""Builds the whole house; the only place that knows everybody."""

"""Turns documents into a recipient's form by rules that are data."""

"""Turns a document into what its recipient wants, by declared rules."""

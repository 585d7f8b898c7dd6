"""Finds what is wrong with a document, with its place and its mender."""

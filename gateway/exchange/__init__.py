"""Decides what becomes of a document; does no IO."""

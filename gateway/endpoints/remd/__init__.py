"""РЭМД: the federal registry that a medical document is registered in."""

"""Reads and writes a format; knows no endpoint."""

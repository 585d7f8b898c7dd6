"""Gives each exchange what it is owed, one duty at a time."""

"""The doors of the house: what the flow needs from the world, and nothing more."""

"""How near our signatures come to the speed of the primitive: `make bench-signatures`."""

"""What the operator decides, read once at the start."""

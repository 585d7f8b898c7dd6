"""Signs and verifies; the only room that touches cryptography."""

"""The edges where senders and state systems call in."""

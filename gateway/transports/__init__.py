"""Ways to wrap, sign, send and unwrap that endpoints share."""

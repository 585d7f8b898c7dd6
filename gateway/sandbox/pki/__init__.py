"""The authorities of the test PKI over HTTP, as the RFCs tell it; knows nothing of any verifier."""

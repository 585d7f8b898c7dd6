"""XML Signature 1.1, the half that envelopes and documents share: reading, judging, writing."""

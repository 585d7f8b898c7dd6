"""SignedData (RFC 5652): reads it strictly, judges its signers, writes it fast.

What documents and time-stamp tokens share; `cades` and `timestamps` are the doors.
"""

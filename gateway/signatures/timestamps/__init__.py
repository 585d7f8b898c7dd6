"""Time-stamps (RFC 3161): asks an authority for one, and judges those of others.

A token proves that what it stamps was there at its moment; nothing else here proves a time.
"""

from gateway.signatures.timestamps.client import Tsa
from gateway.signatures.timestamps.judging import Proof, judge_token
from gateway.signatures.timestamps.query import TimestampRefused

__all__ = ["Proof", "TimestampRefused", "Tsa", "judge_token"]

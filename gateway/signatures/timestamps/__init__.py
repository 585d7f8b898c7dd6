"""Time-stamps (RFC 3161): writes queries, and judges tokens.

A token proves that what it stamps was there at its moment; nothing else here proves a time. Who
asks an authority over HTTP is `gateway.transports.timestamps`.
"""

from gateway.signatures.timestamps.answer import TimestampRefused, check_token, read_answer
from gateway.signatures.timestamps.judging import Proof, judge_token
from gateway.signatures.timestamps.query import Query

__all__ = ["Proof", "Query", "TimestampRefused", "check_token", "judge_token", "read_answer"]

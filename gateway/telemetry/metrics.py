"""The figures an operator watches (contract: metrics), in a registry of their own.

A child of a metric is looked up once and then kept: `labels()` costs a lock and a check a call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from gateway.exchange.states import State
from gateway.ports import Standing
from gateway.signatures.algorithms import SIGNATURES
from gateway.signatures.verdict import Verdict
from gateway.telemetry.answers import KINDS, RESULTS

M = TypeVar("M", bound=MetricWrapperBase)
PREFIX = "mse_gateway"
OUTCOMES = ("registered", "rejected", "refused", "cancelled", "parked")
REASONS = ("first", "retry", "resend_after_inquiry")
UNKNOWN = "unknown"
_ALGORITHMS = frozenset(row.name for row in SIGNATURES)
_HOUR, _DAY = 3600.0, 86_400.0
_MINUTES = (60.0, 300.0, 900.0)
_DAYS = (_DAY, 3 * _DAY, 7 * _DAY, 15 * _DAY)
_REGISTRATION = (1.0, 5.0, 15.0, *_MINUTES, _HOUR, 6 * _HOUR, 12 * _HOUR, *_DAYS)
"""The ladder that integrators of РЭМД wait by (5 min, 1 h, 6 h, … 15 d), and below."""
_INTAKE = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COMMIT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_AGES = (60, 300, 900, 3600, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Children(Generic[M]):
    """The children of one metric, by the values of its labels."""

    def __init__(self, metric: M) -> None:
        self._metric = metric
        self._children: dict[tuple[str, ...], M] = {}

    def of(self, *values: str) -> M:
        """Return the child of these label values, in the order the metric declares them."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child

    def expect(self, *values: Iterable[str]) -> None:
        """Show every combination from the start: a counter that appears at 1 has no increase."""
        for one in product(*values):
            self.of(*one)


class Metrics:
    """All metrics, and the text that Prometheus reads."""

    def __init__(self, endpoints: Mapping[str, Collection[str]] | None = None) -> None:
        """`endpoints`: the documents (profile ids) that each endpoint takes."""
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double every series
        self.registry = CollectorRegistry()
        self.exchanges = self._counter(
            "exchanges", "Documents by outcome.", "endpoint", "document", "outcome"
        )
        self.answers = self._counter("answers", "Answers by what they meant.", "endpoint", "kind")
        self.answers_overdue = self._counter(
            "answers_overdue", "Attempts whose own time passed unanswered.", "endpoint"
        )
        self.attempts = self._counter("attempts", "Deliveries begun.", "endpoint", "reason")
        self.inquiries = self._counter("inquiries", "Inquiries by result.", "endpoint", "result")
        self.signature_checks = self._counter(
            "signature_checks", "Signatures checked.", "kind", "algorithm", "verdict"
        )
        self.evidence_fetches = self._counter(
            "evidence_fetches", "Answers and lists asked of authorities.", "kind", "result"
        )
        self.evidence_age = Children(
            Histogram(
                f"{PREFIX}_evidence_age_seconds",
                "How old the word of an authority is that a signature is verified by.",
                ["kind"],
                buckets=_AGES,
                registry=self.registry,
            )
        )
        self.registration_seconds = Children(
            Histogram(
                f"{PREFIX}_registration_seconds",
                "From the first delivery to the answer.",
                ["endpoint"],
                buckets=_REGISTRATION,
                registry=self.registry,
            )
        )
        self.certificate_not_after = Children(
            Gauge(
                f"{PREFIX}_certificate_not_after_timestamp_seconds",
                "When a certificate of ours ends.",
                ["role", "key_id"],
                registry=self.registry,
            )
        )
        self.signature_backend = Children(
            Gauge(
                f"{PREFIX}_signature_backend",
                "Who signs and verifies with a family of keys; 0 under no name: nobody.",
                ["family", "backend"],
                registry=self.registry,
            )
        )
        self.intake_seconds = self._histogram(
            "intake_seconds", "From the head of a request to the committed answer.", _INTAKE
        )
        self.commit_batch_rows = self._histogram(
            "commit_batch_rows", "Writes that shared a commit.", _ROWS
        )
        self.commit_seconds = self._histogram("commit_seconds", "Duration of a commit.", _COMMIT)
        self._standing = _StandingGauges()
        self.registry.register(self._standing)
        self._expect(endpoints or {})

    def stand(self, standing: Standing, *, now: datetime) -> None:
        """Take the ledger's counts for the gauges of the next scrape."""
        self._standing.standing, self._standing.now = standing, now

    def committed(self, rows: int, seconds: float) -> None:
        """Hear from the store of a commit."""
        self.commit_batch_rows.observe(rows)
        self.commit_seconds.observe(seconds)

    def signature_checked(self, kind: str, algorithm: str, verdict: str) -> None:
        """Hear of a checked signature: `cms` or `wss`, its algorithm, the five-way verdict."""
        self.signature_checks.of(kind, algorithm, verdict).inc()

    def container_checked(self, kind: str, verdict: Verdict) -> None:
        """Hear of every signer of a checked container; one that cannot be read has none.

        An algorithm that we do not know is in a stranger's own words: they are no label.
        """
        told = [one.algorithm for one in verdict.signers] or [UNKNOWN]
        for algorithm in told:
            name = algorithm if algorithm in _ALGORITHMS else UNKNOWN
            self.signature_checked(kind, name, verdict.outcome.value)

    def evidence_fetched(self, kind: str, result: str) -> None:
        """Hear of a fetch: `ocsp`, `list` or `delta`, and what came of it."""
        self.evidence_fetches.of(kind, result).inc()

    def evidence_aged(self, kind: str, age: timedelta) -> None:
        """Hear how old the word is that a signature is verified by."""
        self.evidence_age.of(kind).observe(age.total_seconds())

    def certificate(self, *, role: str, key_id: str, not_after: datetime) -> None:
        """Hear of a certificate of ours."""
        self.certificate_not_after.of(role, key_id).set(not_after.timestamp())

    def backend(self, *, family: str, backend: str) -> None:
        """Hear who does a family of keys; an empty name: nobody here."""
        self.signature_backend.of(family, backend).set(bool(backend))

    def expose(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition in the format asked for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _expect(self, endpoints: Mapping[str, Collection[str]]) -> None:
        for name, documents in endpoints.items():
            self.exchanges.expect((name,), documents, OUTCOMES)
            self.registration_seconds.of(name)
            self.answers_overdue.of(name)
        self.answers.expect(endpoints, KINDS)
        self.attempts.expect(endpoints, REASONS)
        self.inquiries.expect(endpoints, RESULTS)

    def _counter(self, name: str, text: str, *labels: str) -> Children[Counter]:
        counter = Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)
        return Children(counter)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, buckets=buckets, registry=self.registry)


class _StandingGauges(Collector):
    """`exchanges_open` and `oldest_awaiting_seconds`, as the ledger last counted them."""

    standing: Standing | None = None
    now: datetime

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield both; a state that nobody stands in any more has no series left behind."""
        is_open = GaugeMetricFamily(
            f"{PREFIX}_exchanges_open", "Open exchanges.", labels=["endpoint", "state"]
        )
        oldest = GaugeMetricFamily(
            f"{PREFIX}_oldest_awaiting_seconds",
            "Age of the oldest unanswered first delivery.",
            labels=["endpoint"],
        )
        if self.standing is not None:
            for (endpoint, state), count in self.standing.open.items():
                is_open.add_metric([endpoint, State(state).value], count)
            for endpoint, began in self.standing.oldest_awaiting.items():
                oldest.add_metric([endpoint], (self.now - began).total_seconds())
        yield is_open
        yield oldest

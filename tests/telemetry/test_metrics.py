"""The figures of the contract: names, types, labels, and what decisions make of them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import State
from gateway.ports import Standing
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Chorus, Counting

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDPOINTS = {"remd": ("ru-088u",)}
CONTRACT = {
    "exchanges_total": ("counter", {"endpoint", "document", "outcome"}),
    "exchanges_open": ("gauge", {"endpoint", "state"}),
    "registration_seconds": ("histogram", {"endpoint"}),
    "answers_total": ("counter", {"endpoint", "kind"}),
    "answers_overdue_total": ("counter", {"endpoint"}),
    "oldest_awaiting_seconds": ("gauge", {"endpoint"}),
    "attempts_total": ("counter", {"endpoint", "reason"}),
    "inquiries_total": ("counter", {"endpoint", "result"}),
    "signature_checks_total": ("counter", {"kind", "algorithm", "verdict"}),
    "evidence_fetches_total": ("counter", {"kind", "result"}),
    "evidence_age_seconds": ("histogram", {"kind"}),
    "certificate_not_after_timestamp_seconds": ("gauge", {"role", "key_id"}),
    "signature_backend": ("gauge", {"family", "backend"}),
    "intake_seconds": ("histogram", set()),
    "commit_batch_rows": ("histogram", set()),
    "commit_seconds": ("histogram", set()),
}


def signed(exchange_id: str = "x") -> Exchange:
    identity = Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid="a",
        sender="mis",
        organization="1.2",
        document_sha256="0" * 64,
    )
    return Exchange(
        id=exchange_id, identity=identity, received_at=NOON, state=State.SIGNED, due=NOON
    )


class Story:
    """One exchange whose events are counted as they happen."""

    def __init__(self) -> None:
        self.metrics = Metrics(ENDPOINTS)
        self.counting = Counting(self.metrics)
        self.exchange = signed()

    def go(self, event: e.Event, *, minutes: float = 0) -> None:
        now = NOON + timedelta(minutes=minutes)
        decision = decide(self.exchange, event, now=now)
        self.counting.advanced(decision)
        self.exchange = decision.after

    def deliver(self, *, minutes: float = 0) -> None:
        self.go(e.DeliveryBegan(message_id=str(minutes), envelope_sha256="1"), minutes=minutes)
        self.go(e.Accepted(), minutes=minutes)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"mse_gateway_{name}", labels)


def full() -> Metrics:
    metrics = Metrics(ENDPOINTS)
    metrics.signature_checked("cms", "gost-256", "valid")
    metrics.evidence_fetched("ocsp", "fetched")
    metrics.evidence_aged("list", timedelta(minutes=2))
    metrics.certificate(role="organization", key_id="k1", not_after=NOON)
    metrics.backend(family="gost-512", backend="")
    metrics.backend(family="rsa", backend="libcrypto")
    metrics.committed(16, 0.004)
    metrics.intake_seconds.observe(0.01)
    metrics.stand(
        Standing(
            open={("remd", State.AWAITING): 3},
            oldest_awaiting={"remd": NOON - timedelta(hours=1)},
        ),
        now=NOON,
    )
    return metrics


def test_a_container_without_a_known_signer_is_counted_as_unknown() -> None:
    metrics = Metrics(ENDPOINTS)
    stranger = Signer.of(None, algorithm="urn:a-strangers-own-words", signed_at=None, covers="")
    broken = (Reason(Fact.STRUCTURE_FORBIDDEN, "no Envelope"),)

    metrics.container_checked("wss", Verdict(broken, ()))
    metrics.container_checked("wss", Verdict(broken, (stranger,)))
    metrics.container_checked("wss", Verdict((), (replace(stranger, algorithm="gost-256"),)))

    text = metrics.expose()[0].decode()
    counted = [
        line for line in text.splitlines() if line.startswith("mse_gateway_signature_checks")
    ]
    assert counted == [
        'mse_gateway_signature_checks_total{algorithm="unknown",kind="wss",verdict="invalid"} 2.0',
        'mse_gateway_signature_checks_total{algorithm="gost-256",kind="wss",verdict="valid"} 1.0',
    ]


def test_every_metric_of_the_contract_has_its_name_type_and_labels() -> None:
    text = full().expose()[0].decode()

    for name, (kind, labels) in CONTRACT.items():
        assert f"# TYPE mse_gateway_{name} {kind}\n" in text
        series = "_count" if kind == "histogram" else ""
        shown = re.search(rf"^mse_gateway_{name}{series}(?:{{(.*?)}})? ", text, re.MULTILINE)
        assert shown, name
        assert set(re.findall(r"(\w+)=", shown[1] or "")) == labels


def test_nothing_is_shown_that_the_contract_does_not_name() -> None:
    text = full().expose()[0].decode()

    shown = set(re.findall(r"^# TYPE mse_gateway_(\S+)", text, re.MULTILINE))

    assert shown == set(CONTRACT)


def test_openmetrics_is_given_to_whoever_asks_for_it() -> None:
    body, content_type = full().expose("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_what_an_endpoint_may_count_is_shown_as_nothing_from_the_start() -> None:
    story = Story()

    assert story.value("answers_total", endpoint="remd", kind="unverified") == 0
    assert (
        story.value("exchanges_total", endpoint="remd", document="ru-088u", outcome="parked") == 0
    )


def test_a_registration_counts_once_on_every_dial() -> None:
    story = Story()

    story.deliver()
    story.go(e.Answered(registered=True, source=e.Source.CALLBACK), minutes=3)
    story.go(e.Notified(), minutes=3)

    assert (
        story.value("exchanges_total", endpoint="remd", document="ru-088u", outcome="registered")
        == 1
    )
    assert story.value("answers_total", endpoint="remd", kind="registered") == 1
    assert story.value("attempts_total", endpoint="remd", reason="first") == 1
    assert story.value("registration_seconds_sum", endpoint="remd") == 180
    assert story.value("answers_overdue_total", endpoint="remd") == 0


def test_an_attempt_turns_overdue_once_however_often_it_is_asked_after() -> None:
    story = Story()

    story.deliver()
    for minutes in (60.5, 70, 90, 180):
        story.go(e.StillPending(), minutes=minutes)

    assert story.value("answers_overdue_total", endpoint="remd") == 1
    assert story.value("inquiries_total", endpoint="remd", result="pending") == 4


def test_each_attempt_can_turn_overdue() -> None:
    story = Story()

    story.deliver()
    story.go(e.NotThere(), minutes=61)
    story.deliver(minutes=65)
    story.go(e.NotThere(), minutes=130)

    assert story.value("answers_overdue_total", endpoint="remd") == 2
    assert story.value("attempts_total", endpoint="remd", reason="resend_after_inquiry") == 1


def test_a_late_callback_was_overdue_too() -> None:
    story = Story()

    story.deliver()
    story.go(e.Answered(registered=True, source=e.Source.CALLBACK), minutes=75)

    assert story.value("answers_overdue_total", endpoint="remd") == 1
    assert story.value("answers_total", endpoint="remd", kind="late") == 1


def test_an_unreachable_recipient_does_not_hide_that_its_answer_is_overdue() -> None:
    story = Story()

    story.deliver()
    story.go(e.InquiryWanted(reason="stray"), minutes=59)
    for minutes in (59, 59, 59, 59):
        story.go(e.Unavailable(reason="connect"), minutes=minutes)
    assert story.exchange.due is not None
    assert story.exchange.answer_due is not None
    assert story.exchange.due > story.exchange.answer_due
    story.go(e.Unavailable(reason="connect"), minutes=200)
    story.go(e.Unavailable(reason="connect"), minutes=300)

    assert story.value("answers_overdue_total", endpoint="remd") == 1


@pytest.mark.parametrize("kind", ["unverified", "unmatched"])
def test_an_answer_that_belongs_to_no_exchange_is_counted(kind: str) -> None:
    story = Story()

    Chorus([story.counting]).answered("remd", kind)

    assert story.value("answers_total", endpoint="remd", kind=kind) == 1


def test_the_gauges_follow_the_ledger() -> None:
    metrics = full()

    value = metrics.registry.get_sample_value

    assert value("mse_gateway_exchanges_open", {"endpoint": "remd", "state": "awaiting"}) == 3
    assert value("mse_gateway_oldest_awaiting_seconds", {"endpoint": "remd"}) == 3600


def test_a_state_that_nobody_stands_in_leaves_no_series_behind() -> None:
    metrics = full()

    metrics.stand(Standing(open={}, oldest_awaiting={}), now=NOON)

    assert b"exchanges_open{" not in metrics.expose()[0]


def test_evidence_is_counted_by_kind_and_result_and_its_age_is_measured() -> None:
    metrics = Metrics(ENDPOINTS)

    metrics.evidence_fetched("ocsp", "slow")
    metrics.evidence_fetched("ocsp", "slow")
    metrics.evidence_aged("list", timedelta(minutes=2))

    text = metrics.expose()[0].decode()
    assert 'mse_gateway_evidence_fetches_total{kind="ocsp",result="slow"} 2.0' in text
    assert 'mse_gateway_evidence_age_seconds_sum{kind="list"} 120.0' in text

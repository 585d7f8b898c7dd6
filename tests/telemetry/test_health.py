"""Whether the gateway may be sent work."""

from gateway.errors import SettingError
from gateway.telemetry.health import Condition, Health, stand

FINE = stand(Condition(ready=True, text="2 keys"))


async def test_all_conditions_hold_and_it_is_ready() -> None:
    readiness = await Health({"keys": FINE}).look()

    assert readiness.ready
    assert readiness.as_json() == {
        "ready": True,
        "conditions": {"keys": {"ready": True, "vital": True, "text": "2 keys"}},
    }


async def test_one_vital_condition_missing_and_it_is_not_ready() -> None:
    probe = stand(Condition(ready=False, text="no backend", facts={"backend": "none"}))

    readiness = await Health({"keys": FINE, "signatures": probe}).look()

    assert not readiness.ready
    assert readiness.as_json()["conditions"]["signatures"]["backend"] == "none"


async def test_what_is_not_vital_is_told_and_does_not_stop_work() -> None:
    packs = stand(Condition(ready=False, text="no pack installed", vital=False))

    assert (await Health({"packs": packs}).look()).ready


async def test_a_probe_that_says_who_mends_it_is_quoted() -> None:
    async def probe() -> Condition:
        raise SettingError("the key cannot be read", where="keys.one")

    condition = (await Health({"keys": probe}).look()).conditions["keys"]

    assert not condition.ready
    assert condition.text == "the key cannot be read [keys.one]"


async def test_a_probe_that_breaks_says_so_without_quoting_what_it_read() -> None:
    async def probe() -> Condition:
        raise ValueError("Иванов")

    condition = (await Health({"ledger": probe}).look()).conditions["ledger"]

    assert not condition.ready
    assert condition.text == "the probe broke: ValueError"

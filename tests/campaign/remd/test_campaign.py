"""The power is cut at every place and at random, and every document still ends in one outcome.

`make test` runs it small; `make campaign` runs it large (CAMPAIGN_DOCUMENTS, CAMPAIGN_KILLS).
The sandbox lives in a process of its own and its duplicate guard is off, so that a blind repeat
would show as a second registration.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from gateway import sandbox
from gateway.sandbox.scenario import Scenario, load_scenario
from tests.campaign.remd.proof import Evidence
from tests.campaign.rig import Courier, Rig

DOCUMENTS = int(os.getenv("CAMPAIGN_DOCUMENTS", "60"))
KILLS = int(os.getenv("CAMPAIGN_KILLS", "8"))
SEED = int(os.getenv("CAMPAIGN_SEED", "2023"))
REPORT = os.getenv("CAMPAIGN_REPORT", "")
SCALE = 1200.0
PATIENCE_FOR_PLACE = 90.0
"""Seconds within which a gateway has come to the place that it is to die at."""
EVENTS = (
    *("Validated", "Mapped", "Signed", "DeliveryBegan", "Accepted", "StillPending"),
    *("TurnedAway", "NotThere", "Answered", "Unavailable", "Notified"),
)
OPERATIONS = ("registerDocument", "searchRegistryItem")
RULES = {
    "NotThere": "silent-lost",
    "TurnedAway": "failed-not-in-time",
    "Unavailable": "silent-inquiry",
    "searchRegistryItem": "silent-registered",
}
"""Which rule of the scenario brings an event or a call about; all others come with every document.

A document that is registered and never answered for is searched and sent no second time.
"""
PLACES = {
    *("before-commit", "after-commit"),
    *(f"{side}-save:{event}" for event in EVENTS for side in ("before", "after")),
    *(
        f"{side}-write:answer-{kind}"
        for kind in ("exchanges", "soap")
        for side in ("before", "after")
    ),
    *(
        f"{place}:{operation}"
        for operation in OPERATIONS
        for place in ("before-write", "after-write", "after-read")
    ),
}
"""Every `yield`, either side of every commit and of every write to a socket."""
BY_CHANCE = {f"{side}-save:GaveUp" for side in ("before", "after")}
"""Passed only by a document that ran out of deliveries: nobody can bring it about."""
PATIENCE = 240.0
"""Seconds within which everything is settled once nobody cuts the power any more."""


def scenario(folder: Path) -> Path:
    """Return the year 2023, with the duplicate guard off."""
    shipped = Path(sandbox.__file__).parent / "remd" / "scenarios" / "seed-2023.toml"
    file = folder / "seed-2023-no-guard.toml"
    file.write_text(
        "duplicate_guard = false\n" + shipped.read_text(encoding="utf-8"), encoding="utf-8"
    )
    return file


@pytest.mark.slow
async def test_what_was_acknowledged_is_settled_and_nothing_is_sent_twice_blindly(
    tmp_path: Path,
) -> None:
    rig = Rig(folder=tmp_path, scale=SCALE)
    chance = random.Random(SEED)
    began = time.monotonic()
    file = scenario(tmp_path)
    drawn = load_scenario(str(file), tmp_path)
    async with rig.sandbox(file), aiohttp.ClientSession() as session:
        courier = Courier(rig, session)
        async with asyncio.TaskGroup() as group:
            await cut_at_random(rig, courier, group, chance)
            await cut_at_every_place(rig, courier, group, drawn)
            await rig.start()
            group.create_task(courier.hand_over(max(0, DOCUMENTS - courier.begun)))
        await courier.see_alive()
        stands = await settle(courier)
        assert await rig.stop() == 0
    evidence = Evidence(tmp_path / "sandbox.sqlite")
    met, twice = evidence.registered_twice()
    report = {
        "documents": len(stands),
        "random_kills": KILLS,
        "places": len(rig.kills),
        "places_died_at": sum(one.died for one in rig.kills),
        "outcomes": Counter(str(one["outcome"]) for one in stands.values()),
        "attempts": sum(map(len, evidence.attempts.values())),
        "searches": len(evidence.searches),
        "resumed": len(courier.resumed),
        "registered_twice_meeting_one_in_work": len(met),
        "seconds": round(time.monotonic() - began),
    }
    write_report(report)

    assert len(stands) >= DOCUMENTS
    assert {uid: one["state"] for uid, one in stands.items() if one["state"] != "closed"} == {}
    assert not evidence.sent_after_registered()
    assert not evidence.repeated_without_inquiry()
    assert not twice
    assert not evidence.not_given_by_the_living(rig.lives)
    assert not [one.place for one in rig.kills if not one.died], "these places were not reached"
    for uid, one in stands.items():
        numbers = {number for number, _ in evidence.registrations.get(uid, ())}
        assert (one["outcome"] == "registered") == bool(numbers), uid
        assert one["number"] in numbers or not numbers, uid


def write_report(report: dict[str, object]) -> None:
    """Write the figures where CAMPAIGN_REPORT says."""
    if REPORT:
        Path(REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")


async def cut_at_random(
    rig: Rig, courier: Courier, group: asyncio.TaskGroup, chance: random.Random
) -> None:
    """Start the gateway and kill it at a random moment of its work, again and again."""
    for number in range(KILLS):
        await rig.start()
        share = (DOCUMENTS // 2 - courier.begun) // (KILLS - number)
        group.create_task(courier.hand_over(share))
        await courier.see_alive()
        await rig.live(chance.uniform(0.2, 3.0))
        await rig.kill()


async def cut_at_every_place(
    rig: Rig, courier: Courier, group: asyncio.TaskGroup, drawn: Scenario
) -> None:
    """Die once at every place that any gateway passes; new ones are found on the way."""
    burned: set[str] = set()
    while pending := sorted((PLACES | rig.passed) - burned - BY_CHANCE):
        for place in pending:
            burned.add(place)
            await rig.start(place)
            end = time.monotonic() + PATIENCE_FOR_PLACE
            rule = RULES.get(place.rpartition(":")[2], "loaded")
            group.create_task(courier.hand_over(1, wanted=partial(falls_under, drawn, rule)))
            while not await rig.live(3.0) and time.monotonic() < end:
                group.create_task(courier.hand_over(1, wanted=partial(falls_under, drawn, rule)))
            await rig.kill()


def falls_under(drawn: Scenario, rule: str, local_uid: str) -> bool:
    """Tell whether the scenario does to a document of this id what the rule says."""
    return drawn.choose(local_uid, kind="121").name == rule


async def settle(courier: Courier) -> dict[str, dict[str, object]]:
    """Wait until nothing is owed any more, or patience ends; let what is parked go on.

    No scale shortens the start of a process: while gateways live for a second or two, each dead
    as long, the sandbox finds nobody to give it a file more often than not, and a document may
    use up its deliveries. An operator lets it go on once the power is back.
    """
    end = time.monotonic() + PATIENCE
    while True:
        stands = await courier.stand()
        open_still = [one for one in stands.values() if one["state"] != "closed"]
        if not open_still or time.monotonic() > end:
            return stands
        for one in open_still:
            if one["state"] == "parked":
                await courier.resume(one)
        await asyncio.sleep(1)

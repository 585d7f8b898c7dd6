"""The doors to time, chance and ids."""

import uuid
from datetime import timedelta

from gateway.doors import SystemChance, SystemClock, SystemIds


def test_ids_are_uuids_of_version_7_and_grow() -> None:
    ids = SystemIds()

    made = [ids.new() for _ in range(5000)]

    assert {uuid.UUID(one).version for one in made} == {7}
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}
    assert made == sorted(set(made))


async def test_a_moment_that_is_past_is_not_waited_for() -> None:
    clock = SystemClock()
    start = clock.now()

    await clock.sleep_until(start - timedelta(days=1))

    assert start <= clock.now() < start + timedelta(hours=1)


def test_chance_lies_between_nothing_and_one() -> None:
    assert all(0 <= SystemChance().draw() < 1 for _ in range(100))

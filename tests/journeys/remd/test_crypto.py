"""What the operator is told of keys and of who signs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.samples.keys import write_keys
from gateway.signatures.algorithms import DEFAULTS
from tests.journeys.house import House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("crypto"), pki) as house:
        yield house


async def test_health_and_metrics_name_who_does_each_family(house: House) -> None:
    ready = (await house.call("GET", "/health/ready")).json
    metrics = (await house.call("GET", "/metrics")).text

    told = ready["conditions"]["signatures"]
    assert told["families"].keys() == {family.value for family in DEFAULTS}
    assert told["backend"].startswith("libcrypto")
    for family, backend in told["families"].items():
        line = f'mse_gateway_signature_backend{{backend="{backend}",family="{family}"}} 1.0'
        assert line in metrics.splitlines()


async def test_every_key_tells_when_it_ends(house: House, pki: Path) -> None:
    metrics = (await house.call("GET", "/metrics")).text

    found = re.findall(r'certificate_not_after_timestamp_seconds\{.*role="(\w+)"\} (\S+)', metrics)
    configured = tomllib.loads(write_keys(pki))["keys"]
    assert sorted(role for role, _ in found) == sorted(one["role"] for one in configured.values())
    assert min(float(end) for _, end in found) > 1.7e9

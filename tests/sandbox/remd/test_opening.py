"""The sandbox РЭМД opens over the declared test PKI without any configuration."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doors import SystemClock, SystemIds
from gateway.errors import SettingError
from gateway.sandbox.counterpart import Surroundings
from gateway.sandbox.remd.opening import RemdSandbox, default_settings, open_counterpart
from gateway.sandbox.remd.settings import RemdSettings
from tests.sandbox.remd.conftest import CLOCK


def test_medical_organisations_of_the_test_pki_are_known_each_by_its_own_system(
    pki: Path,
) -> None:
    settings = default_settings(pki)

    known = settings.organizations
    assert set(known) == {"clinic77", "hospital16"}
    assert len({one.client_entity_id for one in known.values()}) == 2
    assert settings.transport_certificates


def test_without_configuration_and_test_pki_it_does_not_open() -> None:
    with pytest.raises(SettingError):
        open_counterpart(Surroundings(clock=SystemClock(), ids=SystemIds()))


def test_trusted_folder_without_a_certificate_is_refused(
    settings: RemdSettings, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="no certificate"):
        RemdSandbox(replace(settings, trust=tmp_path), clock=CLOCK, ids=SystemIds())


async def test_configuration_it_prints_names_itself_and_every_organisation(
    settings: RemdSettings,
) -> None:
    async with RemdSandbox(settings, clock=CLOCK, ids=SystemIds()) as sandbox:
        endpoint = tomllib.loads(sandbox.configuration())["endpoints"]["remd"]

    assert endpoint["url"] == sandbox.url
    assert set(endpoint["organizations"]) == {one.oid for one in settings.organizations.values()}

"""The server, in a test's hands."""

import pytest

from tests.inbound.office import Client, Office, OpenClient


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def client(office: Office, aiohttp_client: OpenClient) -> Client:
    return await aiohttp_client(office.build())

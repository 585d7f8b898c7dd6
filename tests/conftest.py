"""What the tests of several rooms share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("long", max_examples=5_000, deadline=None)
settings.load_profile(os.getenv("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def packs_folder() -> Path:
    """Return the folder of the authorities' packs; without it the test is skipped.

    `MSE_GATEWAY_REQUIRE_FOREIGN` turns the skip into a failure: CI must not pass by not looking.
    """
    folder = os.getenv("MSE_GATEWAY_PACKS", "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "MSE_GATEWAY_PACKS names no folder with the authorities' packs"
    if os.getenv("MSE_GATEWAY_REQUIRE_FOREIGN"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that gives the path of a foreign program, a judge that is not ours.

    Where it is not installed the test is skipped, or fails with `MSE_GATEWAY_REQUIRE_FOREIGN`.
    Where the engine is hidden from us (`OPENSSL_ENGINES`), openssl keeps it all the same.
    """

    def find(program: str) -> str:
        path = shutil.which(program)
        if path and program == "openssl" and os.getenv("OPENSSL_ENGINES"):
            return with_engines(path)
        if path:
            return path
        if os.getenv("MSE_GATEWAY_REQUIRE_FOREIGN"):
            pytest.fail(f"the foreign judge {program} is not installed")
        pytest.skip(f"{program} is not installed")

    def with_engines(path: str) -> str:
        script = tmp_path_factory.mktemp("foreign") / "openssl"
        script.write_text(f'#!/bin/sh\nunset OPENSSL_ENGINES\nexec {path} "$@"\n', "ascii")
        script.chmod(0o755)
        return str(script)

    return find

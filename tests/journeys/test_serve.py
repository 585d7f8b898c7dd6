"""`serve` without anything beforehand: safe defaults, said plainly, and an orderly end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from gateway.trial import free_port


def environment(**more: str) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if "MSE_GATEWAY" not in key}  # noqa: TID251 - a child's environment
    return {**plain, "PYTHONPATH": str(Path(__file__).parents[2]), **more}


def test_it_starts_with_nothing_answers_and_ends_in_order(tmp_path: Path) -> None:
    port = str(free_port())
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        cwd=tmp_path,
        env=environment(MSE_GATEWAY__SERVER__PORT=port),
        stderr=subprocess.PIPE,
    ) as process:
        ready = wait_until_ready(port)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)

    assert process.returncode == 0
    assert ready["ready"]
    assert ready["conditions"]["ledger"]["ready"]
    assert (tmp_path / "mse-gateway.sqlite").exists()
    assert b"endpoints: none" in told
    assert b"not encrypted" in told


def wait_until_ready(port: str) -> dict[str, dict[str, dict[str, bool]]]:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready") as answer:
                found: dict[str, dict[str, dict[str, bool]]] = json.loads(answer.read())
                return found
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[server]\nprot = 1\n", "did you mean port"),
        ("[server]\nhost = '0.0.0.0'\n", "senders"),
        ("[endpoints.nobody]\nurl = 'https://x.example'\n", "there is no endpoint nobody"),
        ("[time]\nscale = 2.0\n[endpoints.x]\nurl = 'https://x.example'\n", "loopback"),
    ],
)
def test_a_slip_in_the_configuration_is_a_usage_error_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "mse-gateway.toml"
    file.write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--config", str(file)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()

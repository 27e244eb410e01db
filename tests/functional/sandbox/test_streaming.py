"""A large file goes through the gateway, not into its memory."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sandboxes import Sandbox

MIB = 1024 * 1024
SIZE = 300 * MIB
ALLOWED = 50 * MIB

pytestmark = pytest.mark.slow


def peak(pid: int) -> int:
    """Return the most memory that a process ever had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def chunks() -> Iterator[bytes]:
    for number in range(SIZE // MIB):
        yield number.to_bytes(4, "big") * (MIB // 4)


def digest(stream: Iterator[bytes]) -> str:
    hashed = hashlib.sha256()
    for chunk in stream:
        hashed.update(chunk)
    return hashed.hexdigest()


@pytest.fixture
def grown(sandbox: Sandbox) -> Callable[[], int]:
    before = peak(sandbox.pid)
    return lambda: peak(sandbox.pid) - before


@pytest.mark.parametrize("length", [{"Content-Length": str(SIZE)}, {}], ids=["sized", "chunked"])
def test_an_upload_and_a_download_are_streamed(
    sandbox: Sandbox, grown: Callable[[], int], length: dict[str, str]
) -> None:
    headers = {"X-API-Key": sandbox.create_key()}
    artifact = f"/api/2.0/mlflow-artifacts/artifacts/0/{uuid.uuid4().hex}.bin"
    url = sandbox.tracking_uri + artifact
    with httpx.Client(trust_env=False, timeout=60, headers=headers) as client:
        assert client.put(url, content=chunks(), headers=length).status_code == 200
        print(f"\nuploaded {SIZE // MIB} MiB, the gateway grew by {grown() // MIB} MiB")
        assert grown() < ALLOWED
        with client.stream("GET", url) as answer:
            assert answer.headers["content-length"] == str(SIZE)
            assert digest(answer.iter_raw()) == digest(chunks())
        print(f"downloaded it, the gateway grew by {grown() // MIB} MiB")
        assert grown() < ALLOWED
        client.delete(url)


def test_the_measure_sees_what_is_held() -> None:
    code = f"import time; held = b'x' * {2 * ALLOWED}; print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert peak(process.pid) > 2 * ALLOWED
        process.kill()

"""What stands behind an MLflow server in earnest: an S3 store, and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from compat.pythons import ROOT
from tools import missing

LIMIT = 30  # seconds until a server must answer
BUCKET = "models"
KEYS = {"AWS_ACCESS_KEY_ID": "test-store", "AWS_SECRET_ACCESS_KEY": "test-store-secret"}
REGION = "us-east-1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _listening(command: Sequence[str], port: int, log: Path, **popen: object) -> Iterator[None]:
    """Run a server for as long as the block lasts, from when it listens."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **popen)  # type: ignore[call-overload]  # what it takes
    try:
        deadline = time.monotonic() + LIMIT
        while True:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL: end now, whoever is connected
        process.wait(LIMIT)


@contextlib.contextmanager
def object_store(directory: Path) -> Iterator[str]:
    """Run an S3 store with one bucket, `directory / BUCKET`; give its origin."""
    found = sorted(ROOT.glob(".cache/versitygw-*/versitygw"))
    if not found:
        missing("the S3 store is not installed: make compat, which needs go")
    (directory / BUCKET).mkdir(parents=True)
    port = free_port()
    access, secret = KEYS.values()
    command = [
        *(str(found[-1]), "--access", access, "--secret", secret, "--region", REGION),
        *("--port", f"127.0.0.1:{port}", "posix", str(directory)),
    ]
    with _listening(command, port, directory.with_name("store.log")):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL with an empty database; give the URI that SQLAlchemy knows it by."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        missing("PostgreSQL is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pg-") as place:  # its sockets need a short path
        user: dict[str, object] = {}
        if os.geteuid() == 0:  # it does not run as root
            owner = pwd.getpwnam("nobody")
            os.chown(place, owner.pw_uid, owner.pw_gid)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        data = f"{place}/data"
        initdb = [str(programs[-1] / "initdb"), "-D", data, "-U", "mlflow", "-A", "trust", "-N"]
        made = subprocess.run(initdb, capture_output=True, check=False, **user)  # type: ignore[call-overload]  # what it takes
        assert made.returncode == 0, made.stderr
        server = [
            *(str(programs[-1] / "postgres"), "-D", data, "-k", place, "-p", str(port)),
            *("-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"),
        ]
        with _listening(server, port, Path(place) / "log", **user):
            yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/postgres"


def objects(directory: Path) -> dict[str, Path]:
    """Return the finished objects of the store's bucket by the last part of their names."""
    bucket = directory / BUCKET
    found = [path for path in bucket.rglob("*") if path.is_file()]
    return {path.name: path for path in found if ".sgwtmp" not in path.parts}


def unfinished(directory: Path) -> list[Path]:
    """Return what is kept of uploads that were neither completed nor aborted."""
    kept = directory / BUCKET / ".sgwtmp" / "multipart"
    return [path for path in kept.rglob("*") if path.is_file()]


def clear(directory: Path) -> None:
    """Empty the bucket."""
    for path in (directory / BUCKET).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()

"""A registration asks the registry, and nobody else on the network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from functional.runner import PYTHON, kept, unique
from sandboxes import Sandbox

# No library can look for a host, or connect, without these two events.
WATCHED = """
import json, pathlib, sys
asked = set()
def watch(event, given):
    if event == "socket.connect" and given[1] and isinstance(given[1], tuple):
        asked.add(f"{given[1][0]}:{given[1][1]}")
    if event == "socket.getaddrinfo":
        asked.add(f"{given[0]}:{given[1]}")
sys.addaudithook(watch)
from hokusai_register import app
try:
    app.main(["register", *sys.argv[1:]])
except SystemExit as ended:
    from mlflow.telemetry.client import get_telemetry_client
    found = [ended.code, sorted(asked), str(get_telemetry_client())]
    pathlib.Path("found.json").write_text(json.dumps(found))
"""


def test_only_the_registry_is_asked(sandbox: Sandbox, key: str, tmp_path: Path) -> None:
    assert asked(sandbox.tracking_uri, key, tmp_path) == {urlsplit(sandbox.url).netloc}


def test_nobody_is_asked_but_this_machine(key: str, tmp_path: Path) -> None:
    # It is where people have an MLflow server of their own, as the guide of Hokusai's SDK says.
    own = {"localhost:5001", "127.0.0.1:5001", "::1:5001"}
    assert asked("sqlite:///store.db", key, tmp_path) <= own


def asked(tracking_uri: str, key: str, place: Path) -> set[str]:
    """Register a model, and return whom the process has looked for or connected to."""
    (place / "model.bin").write_bytes(b"weights")
    given = {
        "model-path": "model.bin",
        "model-name": unique("model"),
        "metrics": "accuracy=0.9",
        "tracking-uri": tracking_uri,
    }
    ran = subprocess.run(
        [PYTHON, "-c", WATCHED, *(f"--{name}={text}" for name, text in given.items())],
        # Where CI is not set, MLflow would send reports.
        env={**kept(), "HOKUSAI_API_KEY": key},
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    code, found, reporter = json.loads((place / "found.json").read_text(encoding="utf-8"))
    assert code == 0, ran.stderr
    assert reporter == "None"
    return set(found)

"""Wrong inputs: all of them are told at once, and nobody is called before they are right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from functional.fault_server import faulty
from functional.runner import Runner, kept


def test_all_problems_at_once_and_no_connection(runner: Runner) -> None:
    with faulty() as server:
        result = runner.action(
            tracking_uri=server.url,
            api_url=server.url,
            model_path="../outside.bin",
            model_name="a/b",
            metrics="accuracy=NaN",
            alias="latest",
            timeout="soon",
            summary="maybe",
            run_id="x" * 65,
        )
        assert server.connections == 0
    assert result.said("failed", "input", "none")
    assert result.exit_code == 2
    (error,) = result.errors
    for name in ("model-path", "model-name", "metrics", "alias", "timeout", "summary", "run-id"):
        assert name in error
        assert name in result.summary


@pytest.mark.parametrize(
    ("inputs", "reason", "code"),
    [
        ({"model_path": "missing.bin"}, "file", 2),
        ({"model_path": "/etc/passwd"}, "file", 2),
        ({"api_key": ""}, "key-missing", 3),
        ({"api_key": "two words"}, "key-malformed", 3),
        ({"metrics": ""}, "input", 2),
        ({"tracking_uri": "http://registry.example/api/mlflow"}, "input", 2),
        ({"fallback": "lokal"}, "input", 2),
    ],
)
def test_nobody_is_called(runner: Runner, inputs: dict[str, str], reason: str, code: int) -> None:
    with faulty() as server:
        runner.inputs |= {"tracking-uri": server.url, "api-url": server.url}
        result = runner.here(**inputs)
        assert server.connections == 0
    assert result.said("failed", reason, "none")
    assert result.exit_code == code
    assert len(result.errors) == 1


def test_mlflow_is_not_even_imported(runner: Runner, tmp_path: Path) -> None:
    """It takes most of a second, which a typo must not cost."""
    code = (
        "import sys; from hokusai_register.app import main\n"
        "try: main(['action'])\nfinally:\n"
        "    with open(sys.argv[1], 'w') as seen:\n"
        "        print({'mlflow', 'httpx'} & {*sys.modules}, file=seen)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "seen"],
        env={**kept(), "INPUT_MODEL-NAME": "a/b", "GITHUB_WORKSPACE": os.fspath(runner.workspace)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (tmp_path / "seen").read_text()) == (2, "set()\n"), done.stdout

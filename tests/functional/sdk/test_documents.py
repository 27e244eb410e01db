"""What the guide and the examples tell to type does what they say; a document that lies is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from functional.runner import kept
from sandboxes import Sandbox

ROOT = Path(__file__).resolve().parents[3]
LIES = """# Lies

```python
raise SystemExit("it does not even run")
```

## Simulated

```python
import os
print('HOKUSAI_MOCK_MODE="true" asks nobody')
from hokusai import ModelRegistry
ModelRegistry()
```

## Swallowed

```python
from hokusai import ModelRegistry
try:
    ModelRegistry().register_baseline_via_api(model_id="a/b", model_type="sklearn")
except ValueError:
    pass
```

## Another login

```bash
export MLFLOW_TRACKING_URI="https://mlflow.example.com"
export MLFLOW_TRACKING_USERNAME="your_name"
export MLFLOW_TRACKING_PASSWORD="your_password"
```
"""


def seeds(folder: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "seeds.py", folder],
        env={**kept(), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_guide_does_what_it_says_and_a_document_that_lies_is_told(tmp_path: Path) -> None:
    shutil.copy(ROOT / "docs" / "authentication.md", tmp_path)
    (tmp_path / "lies.txt").write_text(LIES)
    done = seeds(tmp_path)
    assert done.returncode == 1
    rows = done.stdout.splitlines()
    guide = [row for row in rows if row.startswith("authentication.md")]
    assert len(guide) > 10
    assert all(row.endswith((": ok", ", nothing to run")) for row in guide), done.stdout
    assert "    yes the service has the baseline" in rows
    assert "    yes the refusal is told in these words" in rows
    told = [row.strip() for row in rows if row.startswith("    NO ")]
    assert told == [
        "NO  it ends without an error",
        "NO  nobody is asked",
        "NO  the service has the baseline",
        "NO  it ends without an error",
        "NO  user name and password reach the server",
    ], done.stdout


def test_a_folder_without_blocks_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# Nothing\n")
    assert seeds(tmp_path).returncode == 1


def example(name: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "examples" / name],
        env={**kept(), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["verify_authentication.py", "verify_registration.py"])
def test_the_examples_verify(name: str, sandbox: Sandbox, key: str) -> None:
    environ = {"HOKUSAI_API_KEY": key, "HOKUSAI_API_ENDPOINT": sandbox.api_url}
    done = example(name, environ)
    assert done.returncode == 0, done.stderr
    assert key not in done.stdout + done.stderr
    unknown = example(name, {**environ, "HOKUSAI_API_KEY": "hk_test_unknown"})
    assert unknown.returncode == 1
    assert "HTTP 401" in unknown.stderr
    simulated = example(name, {**environ, "HOKUSAI_MOCK_MODE": "true"})
    assert simulated.returncode == 1

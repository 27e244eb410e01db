"""The command line names every input and exit code, and imports nothing that it does not need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hokusai_register import __version__, app, errors
from hokusai_register.fields import FIELDS, Field

HEAVY = {"mlflow", "sqlalchemy", "alembic", "httpx", "httpcore", "requests", "numpy", "pandas"}
SOURCE = Path(app.__file__).parents[1]


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(code: str, cwd: Path) -> set[str]:
    """Return the top-level packages that `code` leaves in memory."""
    names = "'\\n'.join({name.partition('.')[0] for name in sys.modules})"
    done = python(f"{code}\nimport sys, pathlib; pathlib.Path('loaded').write_text({names})", cwd)
    assert not done.returncode, done.stderr
    return set((cwd / "loaded").read_text(encoding="utf-8").splitlines())


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        app.main(arguments)
    assert caught.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_help_names_every_input_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "register", "--help").replace("- ", "-")
    for field in FIELDS:
        assert f"--{field.name} " in text
        if field.secret:
            assert f"set {field.env[0]}" in text
        else:
            assert field.help.replace("- ", "-") in text


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_input_is_described(field: Field) -> None:
    assert len(field.help) > 10
    assert not field.help.endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9-]*", field.name), "the runner and act agree on these only"
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", variable) for variable in field.env)
    assert field.default == field.default.strip()


def test_the_help_tells_the_exit_codes_of_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    epilog = shown(capsys, "--help").partition("exit codes:")[2]
    told = {int(number) for number in re.findall(r"\d+", epilog)}
    rows = re.findall(r"Error +([\d/]+)  ", errors.__doc__ or "")
    assert told == {0, *(int(number) for row in rows for number in row.split("/"))}


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--version") == __version__


def test_the_command_itself_is_light(tmp_path: Path) -> None:
    assert loaded("import hokusai_register.app", tmp_path) & HEAVY == set()


def test_a_wrong_input_waits_for_no_client(tmp_path: Path) -> None:
    code = """
from hokusai_register import app
try:
    app.main(["action"])
except SystemExit as ended:
    assert ended.code == 2, ended.code
"""
    assert loaded(code, tmp_path) & HEAVY == set()


def test_the_clients_come_with_the_registrars(tmp_path: Path) -> None:
    assert loaded("import hokusai_register.registrars", tmp_path) & {"httpx", "mlflow"}


def test_only_the_sandbox_needs_a_server(tmp_path: Path) -> None:
    code = "import hokusai_register.registrars, hokusai_register.hosts.github"
    assert loaded(code, tmp_path) & {"starlette", "uvicorn", "flask"} == set()

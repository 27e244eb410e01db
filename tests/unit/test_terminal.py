"""At a terminal: flags in, what happens on stderr, the result alone on stdout."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given

from fakes import KEY, model, receipt
from hokusai_register import app, command_line, render
from hokusai_register.errors import AuthError, RegisterError
from hokusai_register.fields import FIELDS
from hokusai_register.hosts.progress import REDRAW, Progress
from hokusai_register.hosts.terminal import Terminal
from hokusai_register.model import Report, Secret
from hostile import texts
from runner_rules import act_commands, runner_commands

DONE = Report(model=model(), receipt=receipt(), remarks=("left out: .env",))
FAILED = Report(error=AuthError("no key", why="blank", fix="set it"))


class Screen(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@cache
def options(flags: tuple[str, ...]) -> argparse.Namespace:
    return command_line.parse(["register", *flags])


class Call:
    """One call of `hokusai-register register` with some flags."""

    def __init__(self, *flags: str, screen: bool = False, **environ: str) -> None:
        self.out, self.err = io.StringIO(), Screen() if screen else io.StringIO()
        self.environ = environ
        self.host = Terminal(options(flags), self.environ, self.out, self.err)

    @property
    def raw(self) -> dict[str, str]:
        return dict(self.host.read().raw)


@pytest.mark.parametrize(
    ("flags", "raw"),
    [
        ([], {}),
        (["--model-path", "m.pkl", "--model-name=churn"], None),
        (["--dry-run"], {"dry-run": "true"}),
        (["--dry-run", "false"], {"dry-run": "false"}),
        (["--summary=no", "--json"], {"summary": "no"}),
        (["--metrics", "auc=1"], {"metrics": "auc=1"}),
        (["--metrics", "auc=1", "--metrics", "f1=2"], {"metrics": "auc=1\nf1=2"}),
        (["--tags", "a=b", "--params", "c=d"], {"tags": "a=b", "params": "c=d"}),
        (["--alias", ""], {}),
    ],
)
def test_flags_are_inputs(flags: list[str], raw: dict[str, str] | None) -> None:
    expected = {"model-path": "m.pkl", "model-name": "churn"} if raw is None else raw
    assert Call(*flags).raw == expected


def test_every_input_has_a_flag() -> None:
    flags = [f"--{field.name}=true" for field in FIELDS if not field.secret]
    assert Call(*flags).raw == {field.name: "true" for field in FIELDS if not field.secret}


def test_the_workspace_is_here_or_where_a_flag_says() -> None:
    assert Call().host.read().roots.workspace == Path()
    assert Call("--workspace", "/ws").host.read().roots.workspace == Path("/ws")


def test_no_credential_stays_in_the_environment() -> None:
    call = Call(HOKUSAI_API_KEY=KEY, MLFLOW_TRACKING_TOKEN=KEY, OTHER="x")
    assert call.host.read().environ["HOKUSAI_API_KEY"] == KEY
    assert call.environ == {"OTHER": "x"}


REFUSED = [
    (["--api-key", KEY], "set HOKUSAI_API_KEY"),
    ([f"--api-key={KEY}"], "set HOKUSAI_API_KEY"),
    (["--apikey", KEY], "there is no --apikey; did you mean '--api-key'?"),
    ([f"--api-ke={KEY}"], "there is no --api-ke; did you mean '--api-key'?"),
    (["--zzz", KEY], "there is no --zzz\n"),
    ([KEY], "there is an argument that belongs to no flag"),
    (["--json", KEY], "there is an argument that belongs to no flag"),
    (["--modle-path", "x"], "did you mean '--model-path'?"),
    (["--model", "x"], "there is no --model"),
    (["--api-key"], "expected one argument"),
]


@pytest.mark.parametrize(("flags", "said"), REFUSED)
def test_a_flag_that_is_none_is_refused_without_showing_its_value(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        app.main(["register", *flags])
    assert caught.value.code == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert KEY not in shown.err + shown.out


@pytest.mark.parametrize("before", [[], ["register"], ["register", "--model-path", "x"]])
def test_what_is_typed_wrong_is_no_command(
    before: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for word in ("##[error]x", "--\n::error::x", "--##vso[x]\x1b[31m"):
        with pytest.raises(SystemExit):
            app.main([*before, word])
        shown = capsys.readouterr().err
        assert runner_commands(shown) == []
        assert "##vso[" not in shown
        assert "\x1b" not in shown


def test_json_is_the_only_line_on_stdout() -> None:
    for report in (DONE, FAILED):
        call = Call("--json")
        call.host.read()
        call.host.step("asking")
        call.host.begins(10)
        call.host.advances(10)
        assert call.host.publish(report)
        assert call.out.getvalue() == render.as_json(report) + "\n"
        assert json.loads(call.out.getvalue())["schema"] == 1


def test_without_json_the_outputs_that_are_there_are_lines() -> None:
    call = Call()
    call.host.publish(FAILED)
    assert call.out.getvalue().splitlines() == [
        "status=failed",
        "registered=false",
        "created=false",
        "backend=none",
        "reason=auth-401",
    ]


def test_a_person_is_told_what_happened() -> None:
    call = Call()
    call.host.publish(DONE)
    assert call.err.getvalue().splitlines() == [
        "notice: Registered churn version 3 in MLflow at registry.hokus.ai.",
        "warning: left out: .env",
    ]
    call = Call()
    call.host.publish(FAILED)
    assert call.err.getvalue().splitlines() == ["error: no key", "why: blank", "fix: set it"]


def test_the_result_is_also_a_file_if_wanted(tmp_path: Path) -> None:
    call = Call("--workspace", str(tmp_path), "--result-file", "result.json")
    call.host.read()
    assert call.host.publish(DONE)
    assert (tmp_path / "result.json").read_text() == render.as_json(DONE) + "\n"
    call = Call("--workspace", str(tmp_path), "--result-file", "no/result.json")
    call.host.read()
    assert not call.host.publish(DONE)


def ticking(*times: float) -> Callable[[], float]:
    left = iter(times)
    return lambda: next(left)


def test_progress_is_drawn_anew_on_a_screen_and_cleared_at_the_end() -> None:
    call = Call(screen=True)
    call.host._progress = Progress(call.host._draw, REDRAW, ticking(0, 0, 0.05, 1, 2))
    call.host.begins(4_000_000)
    for _ in range(3):
        call.host.advances(1_000_000)
    call.host.step("done")
    clear = "\r\x1b[K"
    first, second = " 50 %  2.0 of 4.0 MB, 2.0 MB/s", " 75 %  3.0 of 4.0 MB, 1.5 MB/s"
    assert call.err.getvalue() == f"{clear}{first}{clear}{second}{clear}done\n"


def test_progress_is_a_line_now_and_then_in_a_log() -> None:
    call = Call()
    call.host._progress = Progress(call.host._draw, 30, ticking(0, 0, 10, 31))
    call.host.begins(2_000_000)
    call.host.advances(1_000_000)
    call.host.advances(1_000_000)
    assert call.err.getvalue() == "100 %  2.0 of 2.0 MB, 0.1 MB/s\n"


@given(texts())
def test_on_a_runner_too_no_foreign_text_is_a_command(text: str) -> None:
    error = RegisterError(text, why=text, fix=text)
    for report in (
        Report(error=error),
        Report(model=model(name=text), receipt=receipt(run_id=text, host=text), remarks=(text,)),
    ):
        call = Call()
        call.host.step(f"asking {text}")
        call.host.publish(report)
        for stream in (call.out, call.err):
            assert runner_commands(stream.getvalue()) == []
            assert act_commands(stream.getvalue()) == []


@given(texts())
def test_no_key_is_shown_wherever_it_came_from(text: str) -> None:
    error = RegisterError(f"{text}{KEY}", why=f"Bearer {KEY}{text}", fix=KEY)
    for flags in ([], ["--json"]):
        call = Call(*flags)
        call.host.mask([Secret(KEY)])
        call.host.step(f"asking {KEY}")
        call.host.publish(Report(model=model(name=KEY), error=error))
        assert KEY not in call.out.getvalue() + call.err.getvalue()

"""On a runner: failure first, the truth last, and no foreign text that is more than text."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fakes import KEY, model, receipt
from hokusai_register import render
from hokusai_register.errors import AuthError, RegisterError
from hokusai_register.hosts.github import NOTE_LIMIT, PREFIX, SUMMARY_LIMIT, GitHub
from hokusai_register.hosts.progress import Progress
from hokusai_register.model import Attempt, Backend, Report, Secret
from hostile import full, texts
from runner_rules import act_commands, act_records, runner_commands, runner_records

DONE = Report(model=model(), attempts=(Attempt(Backend.MLFLOW, 1),), receipt=receipt())
FAILED = Report(error=AuthError("no key", why="blank", fix="set it"))
WARNED = Report(model=model(), receipt=receipt(), remarks=("left out: .env",))


class Step:
    """One step of a job: its files, its variables, and what it printed."""

    def __init__(self, place: Path, **environ: str) -> None:
        self.output, self.page = place / "output", place / "summary"
        for path in (self.output, self.page):
            path.write_bytes(b"")
        self.environ = {
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.page),
            "GITHUB_WORKSPACE": str(place),
            **environ,
        }
        self.out = io.StringIO()
        self.host = GitHub(self.environ, self.out)

    @property
    def printed(self) -> str:
        return self.out.getvalue()

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs as the runner and act read them."""
        content = self.output.read_bytes()
        read, wrong = runner_records(content)
        assert not wrong
        assert act_records(content) == (read, "")
        return read


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., Step]:
    def make(**environ: str) -> Step:
        return Step(tmp_path, **environ)

    return make


def test_the_outputs_say_interrupted_until_the_end(step: Callable[..., Step]) -> None:
    one = step()
    one.host.read()
    assert one.outputs == render.interrupted()
    assert (one.outputs["status"], one.outputs["reason"]) == ("failed", "interrupted")
    assert one.host.publish(DONE)
    assert one.outputs == render.outputs(DONE)


def test_inputs_are_read_by_both_spellings(step: Callable[..., Step]) -> None:
    one = step(
        **{
            "INPUT_MODEL-PATH": "a",
            "INPUT_MODEL_PATH": "b",
            "INPUT_MODEL_NAME": "churn",
            "INPUT_METRICS": " \n",
            "INPUT_Alias": "champion",
            "OTHER": "x",
        }
    )
    assert one.host.read().raw == {"model-path": "a", "model-name": "churn", "alias": "champion"}


def test_the_workspace_is_the_runners_or_here(step: Callable[..., Step], tmp_path: Path) -> None:
    roots = step(RUNNER_TEMP="/tmp/t").host.read().roots  # noqa: S108  # nothing is written
    assert (roots.workspace, str(roots.temp)) == (tmp_path, "/tmp/t")  # noqa: S108  # as above
    roots = step(GITHUB_WORKSPACE="").host.read().roots
    assert (roots.workspace, roots.temp) == (Path.cwd(), None)


def test_no_credential_stays_in_the_environment(step: Callable[..., Step]) -> None:
    names = (
        *("INPUT_API-KEY", "INPUT_API_KEY", "HOKUSAI_API_KEY", "MLFLOW_TRACKING_TOKEN"),
        *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    )
    one = step(**dict.fromkeys(names, KEY))
    request = one.host.read()
    assert KEY not in one.environ.values()
    assert request.raw["api-key"] == KEY
    assert request.environ["HOKUSAI_API_KEY"] == KEY, "whoever parses needs it once"


@pytest.mark.parametrize("files", [{}, {"GITHUB_OUTPUT": ""}])
def test_the_mask_comes_before_every_other_line(
    files: dict[str, str], step: Callable[..., Step]
) -> None:
    one = step(**files)
    one.host.read()
    one.host.mask([Secret(KEY), Secret("short"), Secret(KEY)])
    one.host.step(f"key {KEY}")
    assert one.printed.splitlines() == [f"::add-mask::{KEY}", f"{PREFIX}key ***"]


def test_a_word_is_not_masked_by_the_runner_and_still_not_shown(step: Callable[..., Step]) -> None:
    one = step()
    one.host.mask([Secret("1234567")])
    one.host.step("it is 1234567 here")
    assert one.printed == f"{PREFIX}it is *** here\n"


def test_a_key_of_two_lines_is_masked_as_one_command(step: Callable[..., Step]) -> None:
    one = step()
    one.host.mask([Secret("first line\n::error::second\rline %0A")])
    (command,) = runner_commands(one.printed)
    assert (command.name, command.data) == (
        "add-mask",
        "first line\n::error::second\rline %0A",
    )


class Flushed(io.StringIO):
    """A stream that knows what would be lost if the process were killed now."""

    safe = ""

    def flush(self) -> None:
        self.safe = self.getvalue()


def test_every_line_is_flushed_at_once() -> None:
    out = Flushed()
    host = GitHub({}, out)
    host.mask([Secret(KEY)])
    assert out.safe == out.getvalue() != ""


@pytest.mark.parametrize(
    ("report", "levels"),
    [(DONE, ["notice"]), (WARNED, ["notice", "warning"]), (FAILED, ["error"])],
)
def test_a_step_makes_few_annotations(
    report: Report, levels: list[str], step: Callable[..., Step]
) -> None:
    one = step()
    one.host.publish(report)
    commands = runner_commands(one.printed)
    assert [command.name for command in commands] == levels
    assert [command.data for command in commands] == [note.text for note in render.notes(report)]
    assert all(command.properties["title"] for command in commands)


@pytest.mark.parametrize("colons", ["::", ":::", "::::", "a::b::c"])
def test_act_sees_the_whole_of_a_message(colons: str, step: Callable[..., Step]) -> None:
    one = step()
    one.host.publish(Report(error=RegisterError(f"x {colons} y", why="b", fix="c")))
    (command,) = act_commands(one.printed)
    assert command.name == "error"
    assert command.data.startswith("x ")
    assert "::" not in command.data


def test_a_long_message_is_cut(step: Callable[..., Step]) -> None:
    one = step()
    one.host.publish(Report(error=RegisterError("x" * 5000, why="b", fix="c")))
    (command,) = runner_commands(one.printed)
    assert len(command.data) < NOTE_LIMIT + 50


def test_a_writer_that_left_its_last_line_open_spoils_nothing(step: Callable[..., Step]) -> None:
    one = step()
    one.output.write_bytes(b"mine=1\nopen=2")
    one.page.write_bytes(b"# mine")
    one.host.read()
    assert one.host.publish(DONE)
    assert one.outputs == {"mine": "1", "open": "2", **render.outputs(DONE)}
    assert one.page.read_text().startswith("# mine\n###")


def test_without_a_file_for_outputs_they_are_printed_once(step: Callable[..., Step]) -> None:
    one = step(GITHUB_OUTPUT="")
    one.host.read()
    assert one.printed == ""
    assert one.host.publish(DONE)
    assert f"{PREFIX}status=registered\n" in one.printed
    assert [command.name for command in runner_commands(one.printed)] == ["notice"]


def unwritable(path: Path, how: str) -> str:
    if how == "missing":
        return str(path / "no" / "output")
    if how == "directory":
        return str(path)
    return "/dev/full"


@pytest.mark.parametrize("how", ["missing", "directory", "full"])
def test_a_result_that_nobody_gets_is_an_error_with_the_ids_in_the_log(
    how: str, step: Callable[..., Step], tmp_path: Path
) -> None:
    one = step(GITHUB_OUTPUT=unwritable(tmp_path, how))
    one.host.read()
    assert not one.host.publish(DONE)
    commands = runner_commands(one.printed)
    assert [command.name for command in commands] == ["notice", "error"]
    assert commands[1].properties["title"] == "The result could not be written"
    assert '"run_id":"9c1e"' in one.printed
    assert one.page.read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_file_is_an_error(step: Callable[..., Step]) -> None:
    one = step()
    one.output.chmod(0o400)
    assert not one.host.publish(DONE)


def test_a_failure_is_told_once_although_the_outputs_cannot_be_written(
    step: Callable[..., Step], tmp_path: Path
) -> None:
    one = step(GITHUB_OUTPUT=unwritable(tmp_path, "missing"))
    assert not one.host.publish(FAILED)
    (command,) = runner_commands(one.printed)
    assert command.properties["title"] == "The model is not registered"


@pytest.mark.parametrize("how", ["missing", "directory", "full"])
def test_a_summary_that_cannot_be_written_costs_nothing(
    how: str, step: Callable[..., Step], tmp_path: Path
) -> None:
    one = step(GITHUB_STEP_SUMMARY=unwritable(tmp_path, how))
    assert one.host.publish(DONE)
    assert one.outputs["status"] == "registered"
    assert "the step summary has no room for this, or cannot be written" in one.printed


def test_a_summary_that_would_be_too_long_is_left_as_it_is(step: Callable[..., Step]) -> None:
    one = step()
    full = b"x" * (SUMMARY_LIMIT - 100)
    one.page.write_bytes(full)
    assert one.host.publish(DONE)
    assert one.page.read_bytes() == full


@pytest.mark.parametrize(
    ("given", "written"), [("false", 0), ("No", 0), ("0", 0), ("true", 1), ("", 1)]
)
def test_a_summary_is_written_if_wanted(
    given: str, written: int, step: Callable[..., Step]
) -> None:
    one = step(INPUT_SUMMARY=given)
    one.host.read()
    one.host.publish(DONE)
    assert bool(one.page.read_bytes()) == bool(written)


def test_the_result_is_also_a_file_if_wanted(step: Callable[..., Step], tmp_path: Path) -> None:
    one = step(**{"INPUT_RESULT-FILE": "result.json"})
    one.host.read()
    assert one.host.publish(DONE)
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(render.as_json(DONE))


@pytest.mark.parametrize("named", ["../result.json", "no/result.json", "."])
def test_a_result_file_that_cannot_be_written_is_an_error(
    named: str, step: Callable[..., Step]
) -> None:
    one = step(**{"INPUT_RESULT-FILE": named})
    one.host.read()
    assert not one.host.publish(DONE)
    assert "the result file could not be written" in one.printed
    assert one.outputs["status"] == "registered"


def test_a_long_upload_is_a_line_now_and_then(step: Callable[..., Step]) -> None:
    one = step()
    now = iter([0.0, 0.0, 10.0, 40.0, 50.0, 80.0])
    one.host._progress = Progress(one.host.step, 30, lambda: next(now))
    one.host.begins(4_000_000)
    for _ in range(4):
        one.host.advances(1_000_000)
    assert one.printed.splitlines() == [
        f"{PREFIX} 50 %  2.0 of 4.0 MB, 0.1 MB/s",
        f"{PREFIX}100 %  4.0 of 4.0 MB, 0.1 MB/s",
    ]


def test_what_is_sent_again_does_not_count_twice() -> None:
    said: list[str] = []
    progress = Progress(said.append, 0, iter(range(9)).__next__)
    progress.start(10_000_000)
    for size in (8_000_000, -8_000_000, 5_000_000):
        progress.add(size)
    assert said[-1] == " 50 %  5.0 of 10.0 MB, 1.7 MB/s"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts())
def test_no_foreign_text_becomes_a_command_or_an_output(tmp_path: Path, text: str) -> None:
    with_error = Report(error=RegisterError(text, why=text, fix=text))
    for report, levels in ((full(lambda: text), ["notice", "warning"]), (with_error, ["error"])):
        one = Step(tmp_path)
        one.host.read()
        one.host.step(text)
        one.host.step(f"asking {text}")
        one.host.publish(report)
        assert [command.name for command in runner_commands(one.printed)] == levels
        assert [command.name for command in act_commands(one.printed)] == levels
        assert list(one.outputs) == list(render.OUTPUTS)
        assert one.outputs["status"] == report.status
        assert json.loads(one.outputs["result"])["schema"] == 1
        one.page.read_text(encoding="utf-8")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts())
def test_no_key_is_shown_wherever_it_came_from(tmp_path: Path, text: str) -> None:
    one = Step(tmp_path)
    one.host.read()
    one.host.mask([Secret(KEY)])
    masked = one.printed
    one.host.step(f"{KEY}{text}")
    one.host.publish(full(lambda: f"{text}{KEY}"))
    assert KEY not in one.printed.removeprefix(masked)
    assert KEY not in one.output.read_text() + one.page.read_text()
    assert json.loads(one.outputs["result"])["model"]["version"].endswith("***")

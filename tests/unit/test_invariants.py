"""Whatever each backend says, under whatever flags: what holds for every step that ends.

The names are those of the invariants in the table of faults. I5 and I7 are about disks and clocks,
which only real processes have; I6 and I8 are also walked in test_interleavings.py.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import KEY, Registry, receipt, subclasses
from functional.runner import outputs
from hokusai_register import app, registrars, render
from hokusai_register.errors import (
    IncompleteError,
    Reason,
    RegisterError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.hosts.github import GitHub
from hokusai_register.model import Backend, Receipt, Status
from hokusai_register.policy import REAL, Fallback
from hostile import texts
from runner_rules import Command, runner_commands

GREEN = frozenset({Status.REGISTERED, Status.ALREADY_REGISTERED})
KINDS = subclasses(RegisterError)
End = Receipt | RegisterError


@dataclass(frozen=True, slots=True)
class Case:
    """How each backend would end, and what the user has asked for."""

    ends: Mapping[Backend, End]
    inputs: Mapping[str, str]
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the step ended, and which backends were asked."""

    code: int
    outputs: dict[str, str]
    commands: list[Command]
    shown: str
    asked: dict[Backend, End]

    @property
    def registered(self) -> bool:
        """Whether it says that the real registry has the model."""
        return self.outputs["registered"] == "true"


def errors() -> st.SearchStrategy[RegisterError]:
    """Return every kind of error, with words that would be more than words, and the key."""
    words = st.builds("{}{}".format, texts(), st.sampled_from(["", KEY]))
    return st.builds(
        lambda kind, what, why, fix: kind(what, why=why, fix=fix),
        st.sampled_from(KINDS),
        words,
        words,
        words,
    )


def ends(backend: Backend) -> st.SearchStrategy[End]:
    """Return how a backend may end; unavailable more often, or few would ever come to the next."""
    made = st.builds(lambda created: receipt(backend=backend, created=created), st.booleans())
    gone = st.just(UnavailableError("it is away", why="nobody answers", fix="wait"))
    return gone | made | errors()


FLAGS = st.sampled_from(["", "true", "false"])
CASES = st.builds(
    lambda ends, fallback, required, key, optional, mock: Case(
        ends,
        {"fallback": fallback, "require-registered": required, "api-key": key},
        {"HOKUSAI_OPTIONAL_MLFLOW": optional, "HOKUSAI_MOCK_MODE": mock},
    ),
    st.fixed_dictionaries({b: ends(b) for b in Backend if b is not Backend.NONE}),
    st.sampled_from(["", *Fallback]),
    FLAGS,
    st.sampled_from([KEY, KEY, ""]),
    FLAGS,
    st.sampled_from(["", "false", "false", "true"]),
)


def end(case: Case) -> Ended:
    """Run one step to its end, on a runner, with nothing but the backends in its place."""
    backends = {b: Registry(case.ends[b]) for b in Backend if b in case.ends}  # as they are asked
    log = io.StringIO()
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        files = {name: Path(home, name) for name in ("output", "summary", "model.bin")}
        for path in files.values():
            path.write_text("x" if path.suffix else "")
        given = {"model-name": "churn", "model-path": "model.bin", "metrics": "auc=1"}
        environ = {
            **{f"INPUT_{name.upper()}": text for name, text in {**given, **case.inputs}.items()},
            **case.environ,
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_WORKSPACE": home,
        }
        patch.setattr(registrars, "build", lambda *_: backends)
        code = app.run(GitHub(environ, log))
        told, page = outputs(files["output"]), files["summary"].read_text(encoding="utf-8")
    rows = [row for row in log.getvalue().splitlines() if not row.startswith("::add-mask::")]
    asked = {backend: case.ends[backend] for backend, one in backends.items() if one.seen}
    shown = "\n".join([*rows, *told.values(), page])
    return Ended(code, told, runner_commands("\n".join([*rows, ""])), shown, asked)


@given(CASES)
def test_i1_every_output_is_set(case: Case) -> None:
    ended = end(case)
    assert list(ended.outputs) == list(render.OUTPUTS)
    assert ended.outputs["status"] in list(Status)
    assert ended.outputs["backend"] in list(Backend)
    assert ended.outputs["reason"] in set(Reason) - {Reason.INTERRUPTED}
    assert ended.registered or ended.outputs["registered"] == "false"


@given(CASES)
def test_i2_registered_is_what_the_registry_has_shown(case: Case) -> None:
    ended = end(case)
    shown = {b for b, one in ended.asked.items() if isinstance(one, Receipt)}
    assert ended.registered == bool(shown & REAL) == (ended.outputs["status"] in GREEN)
    assert ended.outputs["backend"] == next(iter(shown), Backend.NONE)
    assert (ended.code == 0) == bool(shown)
    if case.inputs["require-registered"] == "true":
        assert (ended.code == 0) == ended.registered


@given(CASES)
def test_i2_a_degraded_success_has_consent_and_a_warning(case: Case) -> None:
    ended = end(case)
    if ended.code or ended.registered:
        return
    asked_for = (case.environ["HOKUSAI_OPTIONAL_MLFLOW"], case.environ["HOKUSAI_MOCK_MODE"])
    assert "true" in asked_for or case.inputs["fallback"] in (Fallback.LOCAL, Fallback.MOCK)
    assert [command.name for command in ended.commands] == ["warning"]


@given(CASES.filter(lambda case: bool(case.inputs["api-key"])))  # else it is nobody's
def test_i3_no_key_is_shown(case: Case) -> None:
    assert KEY not in end(case).shown


@given(CASES)
def test_i4_no_foreign_text_is_a_command(case: Case) -> None:
    assert {command.name for command in end(case).commands} <= {"notice", "warning", "error"}


@given(CASES)
def test_i8_nobody_is_asked_after_what_may_have_been_made(case: Case) -> None:
    walked = list(end(case).asked.values())
    for one in walked[:-1]:
        assert isinstance(one, RegisterError), "a success ends the walk"
        assert not isinstance(one, (UnconfirmedError, IncompleteError))


@given(CASES)
def test_i9_one_cause_is_named_with_a_fix(case: Case) -> None:
    ended = end(case)
    failed = [command for command in ended.commands if command.name == "error"]
    assert len(failed) == (ended.code != 0)
    for command in failed:
        assert "Why: " in command.data
        assert "What to do: " in command.data
        assert ended.outputs["reason"] != Reason.OK

"""Every class of error owns one exit code and one reason, as its module says at the top."""

from __future__ import annotations

import re

import pytest

from fakes import subclasses
from hokusai_register import errors
from hokusai_register.errors import Reason, RegisterError

# The words of the output `reason`, as they are promised to workflows.
PROMISED = (
    "ok input file key-missing key-malformed auth-401 auth-403 proxy-auth tls redirect dns refused "
    "timeout unreachable rate-limited server-5xx protocol not-found conflict too-large invalid "
    "outcome-unknown verify-failed disk cancelled interrupted dry-run internal"
)
TREE = re.compile(r"^([ |+-]*)(\w+Error) +(\d+)(?:/\d+)?  ", re.MULTILINE)


def documented() -> list[tuple[int, str, int]]:
    """Return depth, name and exit code of each row of the tree in the module's docstring."""
    rows = TREE.findall(errors.__doc__ or "")
    return [(len(indent) // 4, name, int(code)) for indent, name, code in rows]


def defined(
    base: type[RegisterError] = RegisterError, depth: int = 0
) -> list[tuple[int, str, int]]:
    kinds = [kind for kind in base.__subclasses__() if kind.__module__ == errors.__name__]
    below = [row for child in kinds for row in defined(child, depth + 1)]
    return [(depth, base.__name__, base.exit_code), *below]


def test_the_tree_at_the_top_shows_the_classes_as_they_are() -> None:
    assert documented() == defined()


@pytest.mark.parametrize("kind", subclasses(RegisterError))
def test_every_error_has_an_exit_code_and_a_reason(kind: type[RegisterError]) -> None:
    assert kind.exit_code in {1, 2, 3, 70, 130}
    error = kind("what", why="why", fix="fix")
    assert error.reason is kind.default
    assert error.reason is not Reason.OK
    assert kind("what", why="why", fix="fix", reason=Reason.DNS).reason is Reason.DNS
    assert (kind.__doc__ or "").endswith(".")


def test_reasons_are_the_words_that_were_promised() -> None:
    assert [str(reason) for reason in Reason] == PROMISED.split()


def test_an_error_demands_all_three_of_what_why_and_fix() -> None:
    with pytest.raises(TypeError):
        RegisterError("what", why="why")  # type: ignore[call-arg]  # that is the test

"""Reads raw inputs one by one and keeps every problem, so that all are told at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from hokusai_register import artifact, checks, mappings
from hokusai_register.artifact import Roots
from hokusai_register.errors import AuthError, InputError, Reason, RegisterError
from hokusai_register.fields import BY_NAME
from hokusai_register.model import Secret
from hokusai_register.redaction import redact

T = TypeVar("T")

_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_RUNNERS_OWN = frozenset({"args", "entrypoint"})  # inputs that every container action has
_FIX = "correct the `with:` block of the step (or the flag, or the variable), then run it again"


class Reader:
    """The raw inputs, the environment behind them, and what is wrong with them so far."""

    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], roots: Roots) -> None:
        self._raw, self._environ, self._roots = raw, environ, roots
        self._problems: list[RegisterError] = []

    def text(self, name: str) -> str:
        """Return what is given for an input: itself, else its variables, else its default."""
        source = self.source(name)
        given = self._raw.get(name, "") if source == name else self._environ[source]
        return given.strip() or BY_NAME[name].default

    def source(self, name: str) -> str:
        """Return what an input is read from: itself, or the first of its variables that is set."""
        if self._raw.get(name, "").strip():
            return name
        return next((env for env in BY_NAME[name].env if self._environ.get(env, "").strip()), name)

    def given(self, name: str) -> bool:
        """Whether an input itself is given, not by a variable and not by its default."""
        return bool(self._raw.get(name, "").strip())

    def problem(self, name: str, why: str) -> None:
        """Keep one problem with one input."""
        self._problems.append(InputError(f"`{name}` cannot be used", why=why, fix=_FIX))

    def get(self, name: str, check: Callable[[str], T], otherwise: T) -> T:
        """Return a checked input, or `otherwise` where it is blank or wrong."""
        text = self.text(name)
        if not text:
            return otherwise
        try:
            return check(text)
        except RegisterError as error:
            self._problems.append(error)
        except ValueError as error:
            self.problem(self.source(name), str(error))
        return otherwise

    def boolean(self, name: str) -> bool:
        """Return a strict boolean."""
        return self.get(name, checks.boolean, otherwise=False)

    def setting(self, variable: str, check: Callable[[str], T], otherwise: T) -> T:
        """Return a checked variable of the environment, or `otherwise` if it is blank or wrong."""
        text = self._environ.get(variable, "").strip()
        try:
            return check(text) if text else otherwise
        except ValueError as error:
            self.problem(variable, str(error))
            return otherwise

    def flag(self, variable: str) -> bool:
        """Return a strict boolean of the environment; blank is false."""
        return self.setting(variable, checks.boolean, otherwise=False)

    def path(self, name: str) -> Path | None:
        """Return the real path of a file or directory that must be there, inside the workspace."""
        return self.get(name, lambda text: artifact.locate(text, self._roots, what=name), None)

    def file(self, name: str) -> Path | None:
        """Return a readable file; one that a variable names may lie anywhere on this machine."""
        if self.source(name) == name:
            return self.path(name)
        return self.get(name, _readable, None)

    def target(self, name: str) -> Path | None:
        """Return the real path of a file that can be written, inside the workspace."""
        return self.get(name, lambda text: artifact.writable(text, self._roots, what=name), None)

    def metrics(self) -> dict[str, float]:
        """Return the metrics of both places together; none may be given twice."""
        nothing: dict[str, float] = {}
        inline = self.get("metrics", mappings.metrics, nothing)
        read = self.get("metrics-file", self._metrics_file, nothing)
        for name in sorted(inline.keys() & read.keys()):
            self.problem("metrics-file", f"{name} is given in `metrics` too")
        if not self.text("metrics") and not self.text("metrics-file"):
            self.problem("metrics", "there are none, and a model without metrics says nothing")
        return {**inline, **read}

    def key(self) -> Secret:
        """Return the Hokusai key; blank if there is none."""
        text = self.text("api-key")
        if text and not _KEY.fullmatch(text):
            self._problems.append(
                AuthError(
                    "the key is malformed",
                    why="a key has only letters, digits and . _ ~ -, and this one has more",
                    fix="store the key alone as the secret: no quotes, no `Bearer`, no line break",
                    reason=Reason.KEY_MALFORMED,
                )
            )
            return Secret("")
        return Secret(text)

    def variable(self, name: str, *, bare: bool = False) -> Secret:
        """Return a credential of the environment; a `bare` one goes into a header as it is."""
        text = self._environ.get(name, "").strip()
        if not text.isprintable() or (bare and not text.isascii()):
            self._problems.append(
                AuthError(
                    f"{name} is malformed",
                    why="it holds line breaks or other characters that no header can carry",
                    fix="store the value alone in the secret",
                    reason=Reason.KEY_MALFORMED,
                )
            )
            return Secret("")
        return Secret(text)

    def holding(self, secrets: Iterable[str]) -> list[str]:
        """Return the inputs in which a part of a secret stands, but not the one for the key."""
        hidden = tuple(secrets)
        others = sorted(self._raw.keys() - {"api-key"})
        return [name for name in others if redact(self._raw[name], hidden) != self._raw[name]]

    def refuse_unknown(self) -> None:
        """Keep a problem for each name that is none of ours but close to one."""
        for name in sorted(self._raw.keys() - BY_NAME.keys() - _RUNNERS_OWN):
            if hint := checks.near(name, BY_NAME):
                self.problem(name, f"there is no such input{hint}")

    def complain(self, besides: RegisterError | None) -> None:
        """Raise the one problem, or all of them as one; `besides` is one more."""
        problems = [*self._problems, *([besides] if besides else [])]
        if not problems:
            return
        if len(problems) == 1:
            raise problems[0]
        told = "; ".join(f"{problem.what}: {problem.why}" for problem in problems)
        kinds = {type(problem) for problem in problems}
        kind, reason = (
            (kinds.pop(), problems[0].reason) if len(kinds) == 1 else (InputError, Reason.INPUT)
        )
        raise kind(
            f"{len(problems)} things are wrong with the inputs", why=told, fix=_FIX, reason=reason
        )

    def _metrics_file(self, text: str) -> dict[str, float]:
        return mappings.metrics(artifact.read_text(text, self._roots, what="metrics-file"))


def _readable(named: str) -> Path:
    try:
        readable = os.access(named, os.R_OK)
    except ValueError:  # no name at all, such as one with a NUL in it
        readable = False
    if not readable:
        raise ValueError(f"{named!a} is not there, or cannot be read")
    return Path(named)

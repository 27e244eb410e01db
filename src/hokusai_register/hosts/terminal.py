"""A terminal, or any other CI: inputs from flags, what happens on stderr, the result on stdout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import TextIO

from hokusai_register import render
from hokusai_register.artifact import Roots
from hokusai_register.diagnosis import Diagnosis
from hokusai_register.fields import BY_NAME, FIELDS, Field
from hokusai_register.hosts import Request, taken
from hokusai_register.hosts.progress import EVERY, REDRAW, Progress
from hokusai_register.hosts.result import write_result
from hokusai_register.model import Report, Secret
from hokusai_register.redaction import redact
from hokusai_register.text import line

MAPPINGS = ("metrics", "params", "tags", "metadata")

# What a bundle does not say itself.
REPLAYED = (
    "api-key",
    "tracking-uri",
    "api-url",
    "fallback",
    "dry-run",
    "timeout",
    "ca-bundle",
    "client-cert",
    "client-key",
    "insecure-tls",
    "allow-insecure-http",
)

# What is not about a model.
ASKED = (*(name for name in REPLAYED if name not in ("fallback", "dry-run")), "local-store")


def add_flags(parser: argparse.ArgumentParser, names: Collection[str] = BY_NAME.keys()) -> None:
    """Give `parser` one flag for each input, but none for a secret: everybody sees flags."""
    parser.add_argument("--json", action="store_true", help="print the result alone, as JSON")
    parser.add_argument(
        "--workspace", default=".", help="directory that paths are relative to, and may not leave"
    )
    for field in (field for field in FIELDS if field.name in names):
        if field.secret:
            variable = field.env[0]
            parser.add_argument(
                f"--{field.name}",
                action=_Refused,
                help=f"not taken as a flag, which everybody on the machine can see: set {variable}",
            )
        else:
            _add_flag(parser, field)


def _add_flag(parser: argparse.ArgumentParser, field: Field) -> None:
    default = f" (default: {field.default})" if field.default else ""
    text = f"{field.help}{default}".replace("%", "%%")
    flag = f"--{field.name}"
    if field.default in ("true", "false"):
        parser.add_argument(flag, nargs="?", const="true", metavar="BOOL", help=text)
    elif field.name in MAPPINGS:
        parser.add_argument(
            flag, action="append", metavar="MAPPING", help=f"{text}; may be repeated"
        )
    else:
        parser.add_argument(flag, metavar="TEXT", help=text)


class _Refused(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error(f"{self.option_strings[0]}: {self.help}")


class Terminal:
    """One call of the command."""

    def __init__(
        self,
        options: argparse.Namespace,
        environ: MutableMapping[str, str],
        out: TextIO = sys.stdout,
        err: TextIO = sys.stderr,
    ) -> None:
        self._options, self._environ = options, environ
        self._out, self._err = out, err
        self._secrets: list[str] = []
        self._live = err.isatty()
        self._progress = Progress(self._draw, REDRAW if self._live else EVERY)
        self._drawn = False
        self._request = Request({}, {}, Roots(Path.cwd()))

    def read(self) -> Request:
        """Return the flags that were given."""
        given = {name.replace("_", "-"): value for name, value in vars(self._options).items()}
        raw = {name: _joined(given[name]) for name in (f.name for f in FIELDS) if given.get(name)}
        roots = Roots(Path(self._options.workspace))
        self._request = Request(raw, taken(self._environ), roots)
        return self._request

    def mask(self, secrets: Iterable[Secret]) -> None:
        """Keep these out of everything that is printed or written."""
        self._secrets += [secret.reveal() for secret in secrets]

    def step(self, text: str) -> None:
        """Print one line."""
        self._clear()
        self._say(self._clean(text))

    def begins(self, total: int) -> None:
        """Begin to count up to `total` bytes."""
        self._progress.start(total)

    def advances(self, size: int) -> None:
        """Count `size` more bytes."""
        self._progress.add(size)

    def publish(self, report: Report) -> bool:
        """Print what happened for a person, or the result alone for a program."""
        self._clear()
        report = render.cleaned(report, self._clean)
        error = report.error
        if error:
            for head, text in (("error", error.what), ("why", error.why), ("fix", error.fix)):
                self._say(f"{head}: {text}")
        else:
            for note in render.notes(report):
                self._say(f"{note.level}: {note.text}")
        if self._options.json:
            self._print(self._out, render.as_json(report))
        else:
            for name, value in render.outputs(report).items():
                if value and name != "result":
                    self._print(self._out, f"{name}={line(value)}")
        return write_result(report, self._request, self.step)

    def show(self, diagnosis: Diagnosis) -> None:
        """Print what the doctor found, for a person or for a program."""
        found = diagnosis.cleaned(self._clean)
        if self._options.json:
            self._print(self._out, found.as_json())
        else:
            for row in found.as_text():
                self._print(self._out, line(row))

    def _clean(self, text: str) -> str:
        return redact(text, self._secrets)

    def _say(self, text: str) -> None:
        """Print one line that begins with a word of ours: CI systems obey some others."""
        self._print(self._err, line(text))

    def _draw(self, text: str) -> None:
        if not self._live:
            self.step(text)
            return
        self._err.write(f"\r\x1b[K{text}")
        self._err.flush()
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._err.write("\r\x1b[K")
            self._drawn = False

    def _print(self, stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()


def _joined(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)

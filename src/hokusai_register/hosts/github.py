"""A GitHub runner, or act: inputs from variables, results into the runner's files and its log.

The only module that knows `actions_toolkit`: of it the escaping of commands and the format of
output records are used; what it leaves open (flushing, names, a file without its last newline, no
file at all) is closed here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import TextIO

from actions_toolkit.command import Command
from actions_toolkit.file_command import prepare_key_value_message

from hokusai_register import render
from hokusai_register.access import SHORTEST_KEY
from hokusai_register.artifact import Roots
from hokusai_register.hosts import Request, taken
from hokusai_register.hosts.progress import EVERY, Progress
from hokusai_register.hosts.result import write_result
from hokusai_register.model import Report, Secret
from hokusai_register.redaction import redact
from hokusai_register.summary import summary
from hokusai_register.text import line

SUMMARY_LIMIT = 900 << 10  # bytes; GitHub drops a whole summary of more than 1 MiB
NOTE_LIMIT = 1000  # characters
PREFIX = "hokusai-register: "

_UNWRITTEN = render.Note(
    render.Level.ERROR,
    "The result could not be written",
    "The model is registered, but a file that waits for the result cannot be written. Why: see the "
    "log, which has the result too. What to do: free the disk or correct `result-file`, then run "
    "the job again: it finds this registration.",
)


class GitHub:
    """One step of a job."""

    def __init__(self, environ: MutableMapping[str, str], out: TextIO = sys.stdout) -> None:
        self._environ = environ
        self._out = out
        self._secrets: list[str] = []
        self._progress = Progress(self.step, EVERY)
        self._request = Request({}, {}, Roots(Path.cwd()))

    def read(self) -> Request:
        """Return the inputs; the outputs of a failure are set first, in case we are killed."""
        if self._environ.get("GITHUB_OUTPUT"):
            self._outputs(render.interrupted())
        environ = taken(self._environ)
        raw = {
            name.removeprefix("INPUT_").lower().replace("_", "-"): value
            for name, value in sorted(
                environ.items(), reverse=True
            )  # `-` comes after `_`, and wins
            if name.startswith("INPUT_") and value.strip()
        }
        temp = environ.get("RUNNER_TEMP", "")
        workspace = environ.get("GITHUB_WORKSPACE", "") or str(Path.cwd())
        roots = Roots(Path(workspace), Path(temp) if temp else None)
        self._request = Request(raw, environ, roots)
        return self._request

    def mask(self, secrets: Iterable[Secret]) -> None:
        """Let the runner hide these, and hide them ourselves where it does not."""
        for secret in secrets:
            value = secret.reveal()
            if value in self._secrets:
                continue
            self._secrets.append(value)
            if len(value) >= SHORTEST_KEY:  # a word would be hidden wherever it stands
                self._command("add-mask", {}, value)

    def step(self, text: str) -> None:
        """Print one line that no runner takes for a command."""
        self._print(PREFIX + line(self._clean(text)))

    def begins(self, total: int) -> None:
        """Begin to count up to `total` bytes."""
        self._progress.start(total)

    def advances(self, size: int) -> None:
        """Count `size` more bytes."""
        self._progress.add(size)

    def publish(self, report: Report) -> bool:
        """Write outputs, summary and annotations: a summary that fails must not cost the run id."""
        report = render.cleaned(report, self._clean)
        written = self._outputs(render.outputs(report))
        self._summarize(report)
        for note in render.notes(report):
            self._annotate(note)
        written &= write_result(report, self._request, self.step)
        if not written:
            self.step(f"the result is: {render.as_json(report)}")
            if not report.error:
                self._annotate(_UNWRITTEN)
        return written

    def _annotate(self, note: render.Note) -> None:
        # act takes the last `::` of a line for the end of the command.
        text = re.sub(":(?=:)", ": ", line(note.text, NOTE_LIMIT))
        self._command(note.level, {"title": note.title}, text)

    def _outputs(self, values: Mapping[str, str]) -> bool:
        """Append the records of all outputs; where no runner waits for them, print them."""
        path = self._environ.get("GITHUB_OUTPUT", "")
        shown = {name: line(value, 1 << 20) for name, value in values.items()}
        if not path:
            for name, value in shown.items():
                self.step(f"{name}={value}")
            return True
        records = [prepare_key_value_message(name, value) for name, value in shown.items()]
        return self._append(Path(path), "\n".join(records) + "\n")

    def _summarize(self, report: Report) -> None:
        path = self._environ.get("GITHUB_STEP_SUMMARY", "")
        wanted = self._request.raw.get("summary", "true").strip().lower()
        if not path or wanted in ("false", "no", "off", "0"):
            return
        text = summary(report)
        try:
            taken = Path(path).stat().st_size
        except OSError:
            taken = 0
        if taken + len(text.encode()) > SUMMARY_LIMIT or not self._append(Path(path), text):
            self.step("the step summary has no room for this, or cannot be written")

    def _append(self, path: Path, text: str) -> bool:
        """Append whole lines, also behind a writer that left its last line open."""
        try:
            with path.open("r+b") as stream:
                if stream.seek(0, os.SEEK_END):
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":
                        stream.write(b"\n")
                stream.write(text.encode())
                stream.flush()
        except OSError as error:
            self.step(f"{path.name} cannot be written: {error.strerror or error}")
            return False
        return True

    def _command(self, name: str, properties: Mapping[str, str], message: str) -> None:
        self._print(str(Command(name, dict(properties), message)))

    def _print(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def _clean(self, text: str) -> str:
        return redact(text, self._secrets)

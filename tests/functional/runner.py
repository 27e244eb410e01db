"""A GitHub runner's step, as a real process: inputs as variables, files for what comes out."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functional.forks import Fork, nothing, unpaused
from hokusai_register.app import run
from hokusai_register.fields import FIELDS
from hokusai_register.hosts.github import GitHub

# What `make` installs for steps to run in: the product, and no test package beside it.
_ITS_OWN = Path(__file__).parents[2] / ".venvs/step/bin/python"
PYTHON = str(_ITS_OWN) if _ITS_OWN.exists() else sys.executable
COMMAND = (PYTHON, "-m", "hokusai_register")
LIMIT = 120  # seconds after which a process hangs
KEPT = ("PATH", "HOME", "PYTHONPATH", "LANG", "TMPDIR")  # the rest of the caller's is not passed on
Started = tuple[subprocess.Popen[str], Path, Path]  # a step, its file of outputs, its summary
Forked = tuple[Fork, Path, Path]
_RECORD = re.compile(r"(?ms)^(?P<name>[\w-]+)<<(?P<mark>\S+)\n(?P<value>.*?)\n(?P=mark)$")


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended, and everything that it wrote."""

    exit_code: int
    log: str
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    seconds: float = 0.0

    @property
    def shown(self) -> str:
        """What people see of it: a runner shows no line that tells it what to hide."""
        rows = [row for row in self.log.splitlines() if not row.startswith("::add-mask::")]
        return "\n".join([*rows, *self.outputs.values(), self.summary])

    @property
    def ended(self) -> str:
        """How it ended and where, in the fewest words."""
        told = [self.outputs.get(name, "?") for name in ("status", "reason", "backend")]
        return "{}/{} {code} {}".format(*told, code=self.exit_code).removesuffix(" none")

    @property
    def report(self) -> dict[str, Any]:
        """The output `result`."""
        parsed: dict[str, Any] = json.loads(self.outputs["result"])
        return parsed

    @property
    def errors(self) -> list[str]:
        """The error annotations."""
        return [line for line in self.log.splitlines() if line.startswith("::error")]

    def said(self, status: str, reason: str, backend: str) -> bool:
        """Whether it ended like this; if not, print the log for whoever reads the failure."""
        asked = {"status": status, "reason": reason, "backend": backend}
        if all(self.outputs.get(name) == value for name, value in asked.items()):
            return True
        print(f"exit code {self.exit_code}\n{self.log}\n{self.outputs}")
        return False


@dataclass(kw_only=True)
class Runner:
    """One job on a runner. `attempt` and `run_id` may be changed between two steps."""

    home: Path
    inputs: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: str(uuid.uuid4().int % 10**10))
    attempt: int = 1
    steps: int = 0
    prefix: tuple[str, ...] = ()  # of the command, such as `unshare`
    ended: list[Result] = field(default_factory=list)
    began: float = 0.0

    def __post_init__(self) -> None:
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.temp.mkdir(exist_ok=True)

    @property
    def workspace(self) -> Path:
        """What the job checked out."""
        return self.home / "workspace"

    @property
    def temp(self) -> Path:
        """RUNNER_TEMP."""
        return self.home / "temp"

    def action(self, environ: Mapping[str, str] | None = None, **inputs: str) -> Result:
        """Run one step; `model_path` stands for the input `model-path`."""
        return self.finish(self.start(environ, **inputs))

    def here(self, **inputs: str) -> Result:
        """Run one step inside this process: quicker, and its constants can be patched."""
        environ, output, summary = self._environment({}, inputs)
        log = io.StringIO()
        code = run(GitHub(environ, log))
        return self._ended(code, log.getvalue(), output, summary)

    def start(
        self,
        environ: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        **inputs: str,
    ) -> Started:
        """Begin a step, `before` it a program that starts it; return it, outputs and summary."""
        variables, output, summary = self._environment(environ or {}, inputs)
        process = subprocess.Popen(
            [*self.prefix, *before, *COMMAND, "action"],
            cwd=self.workspace,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        return process, output, summary

    def brisk(self, environ: Mapping[str, str] | None = None, **inputs: str) -> Result:
        """Run one step as a fork that makes no pauses: for what it leaves, not for its way."""
        return self.finish(self.fork(unpaused, environ, **inputs))

    def fork(
        self,
        first: Callable[[], None] = nothing,
        environ: Mapping[str, str] | None = None,
        **inputs: str,
    ) -> Forked:
        """Begin a step that has its imports behind it: another process, and a third of the time."""
        variables, output, summary = self._environment(environ or {}, inputs)
        log = self.temp / f"log-{self.steps}"
        return Fork(variables, self.workspace, log, first), output, summary

    def at_once(self, steps: Iterable[Mapping[str, str]]) -> list[Result]:
        """Run steps at the same time; all that is said of one is how its inputs differ."""
        started = [self.fork(nothing, None, **inputs) for inputs in steps]
        return [self.finish(step) for step in started]

    def finish(self, started: Started | Forked, log: str = "", limit: float = LIMIT) -> Result:
        """Wait for the end of a step, of which `log` was read already."""
        process, output, summary = started
        rest, _ = process.communicate(timeout=limit)
        assert process.returncode is not None
        return self._ended(process.returncode, log + rest, output, summary)

    def stranger(self) -> tuple[str, ...]:
        """Let a user in whom this machine has no name for; return the program that becomes them."""
        temp = Path(tempfile.gettempdir())
        for path in (self.home, *self.home.parents):
            if temp in path.parents:  # pytest's own directories, which only their owner may enter
                path.chmod(0o755)
        for path in (self.workspace, self.temp):
            path.chmod(0o777)
        return ("setpriv", "--reuid", "4242", "--clear-groups")

    def command(self, *flags: str, environ: Mapping[str, str] | None = None) -> Result:
        """Run `hokusai-register register` in the workspace; the log is both streams."""
        done = subprocess.run(
            [*COMMAND, "register", *flags],
            cwd=self.workspace,
            env={**kept(), **self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        shown = (line.partition("=") for line in done.stdout.splitlines())
        outputs = {"result": done.stdout} if "--json" in flags else {n: v for n, _, v in shown}
        return Result(done.returncode, done.stdout + done.stderr, outputs)

    def _ended(self, code: int, log: str, output: Path, summary: Path) -> Result:
        took = time.monotonic() - self.began
        written = summary.read_text(encoding="utf-8")
        self.ended.append(Result(code, log, outputs(output), written, took))
        return self.ended[-1]

    def _environment(
        self, environ: Mapping[str, str], inputs: Mapping[str, str]
    ) -> tuple[dict[str, str], Path, Path]:
        """Return a step's variables, its file of outputs and its summary."""
        self.began = time.monotonic()
        self.steps += 1
        output, summary = (self.temp / f"{name}-{self.steps}" for name in ("output", "summary"))
        for path in (output, summary):
            path.touch()
            path.chmod(0o666)
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        # A runner sets a variable for each input, also for a blank one.
        defaults = {input_.name: "" if input_.env else input_.default for input_ in FIELDS}
        all_inputs = {**defaults, **self.inputs, **given}
        variables = {
            **kept(),
            **self._job(),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            **{f"INPUT_{name.upper()}": value for name, value in all_inputs.items()},
            **self.environ,
            **environ,
        }
        return variables, output, summary

    def _job(self) -> dict[str, str]:
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_ACTION": "register",
            "GITHUB_JOB": "train",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "octocat/models",
            "GITHUB_REPOSITORY_ID": "1296269",
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "GITHUB_RUN_ID": self.run_id,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_WORKFLOW": "Train",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }


def kept() -> dict[str, str]:
    """Return what a process needs of our environment."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def outputs(path: Path) -> dict[str, str]:
    """Return what a step wrote into its file of outputs."""
    records = _RECORD.finditer(path.read_text(encoding="utf-8"))
    return {record["name"]: record["value"] for record in records}


def unique(stem: str) -> str:
    """Return a name that no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"

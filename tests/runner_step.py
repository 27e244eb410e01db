"""A step of a job on a runner, while it runs and when it is over."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner_rules import runner_records

LIMIT = 120  # seconds after which a step hangs
SOON = 5.0  # seconds that a cancelled step may take: after 7.5 a runner sends SIGTERM


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that is over: what the runner has of it."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    seconds: float
    raw: bytes = field(repr=False)  # all that it printed and wrote for the runner

    @property
    def how(self) -> str:
        """How it ended, in the fewest words."""
        told = [self.outputs.get(name, "?") for name in ("status", "reason", "backend")]
        return "{}/{} {code} {}".format(*told, code=self.code).removesuffix(" none")


@dataclass(frozen=True, slots=True)
class Step:
    """A step that runs."""

    process: subprocess.Popen[bytes]
    container: str
    files: Mapping[str, Path]
    began: float

    def wait_for(self, sign: Callable[[], object]) -> None:
        """Wait until there is a sign of it, such as a request at a server."""
        while not sign():
            assert self.process.poll() is None, "it ended before"
            assert time.monotonic() < self.began + LIMIT, "there was no sign of it"
            time.sleep(0.02)

    def cancel(self, *signals: signal.Signals) -> Ended:
        """Send signals to Docker's client, which passes them on; soon after it must be over."""
        for number in signals:
            self.process.send_signal(number)
            time.sleep(0.2)
        self.process.wait(SOON)
        return self.end()

    def end(self) -> Ended:
        """Wait for the end, and read what the runner reads."""
        log, _ = self.process.communicate(timeout=LIMIT)
        seconds = time.monotonic() - self.began
        written = {name: path.read_bytes() for name, path in self.files.items()}
        outputs, trouble = runner_records(written["GITHUB_OUTPUT"])
        assert not trouble, trouble
        return Ended(
            self.process.returncode,
            log.decode(),
            outputs,
            written["GITHUB_STEP_SUMMARY"].decode(),
            seconds,
            b"".join([log, *written.values()]),
        )


# How a test checks how a step ended.
Expect = Callable[[Ended, str], Ended]

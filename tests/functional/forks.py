"""Steps as real processes that begin where the imports end, forked from one that is warm."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hokusai_register.__main__ import main
from hokusai_register.http import Network
from hokusai_register.registrars import late, once

PRELOADED = [
    "hokusai_register.app",
    "hokusai_register.registrars",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow",
]


class Fork:
    """What a test needs of a `subprocess.Popen`: `python -m hokusai_register action`, quicker.

    `first` is called in it before anything else.
    """

    def __init__(
        self, environ: Mapping[str, str], cwd: Path, log: Path, first: Callable[[], None]
    ) -> None:
        # Not a fork of the tests: their threads and servers are none of a step's business.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._log = log
        given = (dict(environ), cwd, log, first)
        self._process = context.Process(target=_act, args=given, daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code; the negative of a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the same."""
        return self.returncode

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; return what it printed."""
        self._process.join(timeout)
        if self._process.is_alive():
            raise subprocess.TimeoutExpired("hokusai-register action", timeout or 0.0)
        return self._log.read_text(encoding="utf-8"), ""


def nothing() -> None:
    """Do nothing."""


def unpaused() -> None:
    """Take out the pauses before something is sent again or looked for."""
    once.SETTLE = 0.0
    late.PAUSES = (0.0,) * 3
    defaults: Any = Network.__init__.__kwdefaults__
    defaults["jitter"] = lambda *_: 0.0


def _act(environ: Mapping[str, str], cwd: Path, log: Path, first: Callable[[], None]) -> None:
    """Become the step."""
    first()
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    with log.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    sys.argv = ["hokusai-register", "action"]
    main()

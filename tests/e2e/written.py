"""All that a step has written anywhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from actions_runner import ActionsRunner
from runner_step import Ended, Step


def everything(
    runner: ActionsRunner, step: Step, ended: Ended, places: Iterable[Path]
) -> dict[str, bytes]:
    """Return what can be read on the runner, in other places, and in the container, by place.

    Only the commands that hide a secret are left out.
    """
    files = (path for place in (runner.root, *places) for path in place.rglob("*"))
    return {
        **{str(path): path.read_bytes() for path in files if path.is_file()},
        "the runner": re.sub(rb"(?m)^::add-mask::.*\n", b"", ended.raw),
        "the container": b"".join(_beyond_image(runner.docker, step.container)),
    }


def _beyond_image(docker: str, container: str) -> Iterator[bytes]:
    """Yield what a container holds beyond its image and its mounts."""
    rows = [row[2:] for row in _output(docker, "diff", container).decode().splitlines()]
    for path in rows:
        is_leaf = not any(row.startswith(f"{path}/") for row in rows)
        if is_leaf and not path.startswith("/github"):
            yield _output(docker, "cp", f"{container}:{path}", "-")


def _output(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout

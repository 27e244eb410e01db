"""What the composite action runs: the command of this commit, in an environment of its own."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
# What an installer, and what it starts, has no use for.
PRIVATE = ("ACTIONS_", "HOKUSAI_", "INPUT_", "MLFLOW_")
HASHED = ("--no-deps", "--require-hashes", "--only-binary=:all:")
OURS = ("--no-deps", "--no-index", "--no-build-isolation")


def main() -> None:
    """Install the command, and become it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it runs, there is nothing to close
    if sys.version_info < OLDEST:
        stop(
            f"`python` is {platform.python_version()} here",
            "use actions/setup-python with 3.11 or later before this step",
        )
    python = install(Path(tempfile.mkdtemp(prefix="hokusai-", dir=os.environ.get("RUNNER_TEMP"))))
    command = [python, "-I", "-u", "-X", "utf8", "-m", "hokusai_register", "action"]
    if os.name == "nt":  # where exec ends this process, and nobody waits for the other one
        signal.signal(signal.SIGINT, lambda *_: None)  # it is for the other one
        sys.exit(subprocess.call(command))
    os.execv(python, command)  # noqa: S606  # a shell would come between it and a signal


def install(place: Path) -> str:
    """Install what the lock files name, and this commit, into `place`; return its Python."""
    print("hokusai-register: installing what requirements/*.txt lock", flush=True)
    run(sys.executable, "-m", "venv", str(place))
    python = str(place / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    pip = (python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
    locks = [f"--requirement={ROOT / 'requirements' / name}.txt" for name in ("build", "runtime")]
    run(*pip, *HASHED, *locks)
    run(*pip, *OURS, str(ROOT))
    return python


def run(python: str, *arguments: str) -> None:
    """Run a part of the installation; where it fails, print what it said as no runner obeys it."""
    environ = {name: it for name, it in os.environ.items() if not name.startswith(PRIVATE)}
    done = subprocess.run(
        [python, "-I", *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        sys.path.insert(0, str(ROOT / "src"))
        from hokusai_register.text import lines  # noqa: PLC0415  # only a new Python can read it

        print(*lines(done.stdout.decode(errors="replace")), sep="\n")
        stop(
            "the command cannot be installed here",
            "see above; it takes Python's venv, a package index, and wheels for this machine",
        )


def stop(why: str, fix: str) -> None:
    """End the step with an annotation."""
    print(f"::error title=The model is not registered::{why}. What to do: {fix}.", flush=True)
    sys.exit(1)


if __name__ == "__main__":
    main()

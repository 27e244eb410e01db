"""A repository that is ready to be released, with a bare one behind it that stands for GitHub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What the image is built from, and what a release reads or changes.
PARTS = (
    *("src", "requirements", "scripts", "pyproject.toml", "README.md", "LICENSE"),
    *("Dockerfile", ".dockerignore", ".gitignore", "action.yml"),
)
CHANGELOG = """# Changelog

## [Unreleased]

## [{version}] - 2026-11-22

### Added

- What is new.

## [0.1.0] - 2026-01-01

- What was new.
"""
# Nobody's settings have a part in this, and nobody is asked for anything.
ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree with an origin."""

    place: Path

    @classmethod
    def ready(cls, directory: Path, version: str) -> Repository:
        """Make an origin and a clone of it, in which a version can be released."""
        made = cls(directory / "clone")
        made.place.mkdir()
        for name in PARTS:
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, made.place / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, made.place / name)
        made.git("init", "--quiet", "--bare", "--initial-branch=main", str(directory / "origin"))
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", (directory / "origin").as_uri())
        made.prepare(version)
        return made

    def prepare(self, version: str) -> None:
        """Commit and push what a person changes for a new version."""
        self.write("src/hokusai_register/__init__.py", f'__version__ = "{version}"\n')
        self.write("CHANGELOG.md", CHANGELOG.format(version=version))
        self.commit(f"Prepare {version}")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def write(self, name: str, text: str) -> None:
        """Replace a file."""
        (self.place / name).write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        """Commit all that there is."""
        self.git("add", "--all")
        who = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
        self.git(*who, "commit", "--quiet", "--message", message)

    def clone(self, directory: Path, ref: str = "main") -> Repository:
        """Return a clone as a job of a workflow makes it: of one commit, without history."""
        origin = self.git("remote", "get-url", "origin")
        self.git("clone", "--quiet", "--depth=1", f"--branch={ref}", origin, str(directory))
        return Repository(directory)

    def tags(self) -> dict[str, str]:
        """Return what others see of the tags."""
        rows = (row.split() for row in self.git("ls-remote", "--tags", "origin").splitlines())
        return {ref.removeprefix("refs/tags/"): sha for sha, ref in rows}

    def git(self, *arguments: str) -> str:
        """Run git, which must not fail."""
        return _output(self._run("git", *arguments))

    def release(self, *arguments: str) -> str:
        """Do a step of a release, which must not fail."""
        return _output(self._run(sys.executable, "scripts/release.py", *arguments))

    def refusal(self, *arguments: str) -> str:
        """Do a step of a release, which must be refused, and return what it says."""
        ran = self._run(sys.executable, "scripts/release.py", *arguments)
        assert (ran.returncode, ran.stdout) == (1, "")
        return ran.stderr

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.place, env=ENVIRON, capture_output=True, text=True, check=False
        )


def _output(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()

"""What a release reads from the files of the repository, and the two that it changes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BASE = re.compile(r"^FROM ([^\s@]+)(?= AS |$)", re.MULTILINE)
BUILT = re.compile(r"^  image: Dockerfile$", re.MULTILINE)


class Refused(Exception):  # noqa: N818  # an answer, not an accident
    """Nothing may be released like that; the text says why, and what to do."""


class Version(NamedTuple):
    """A version, X.Y.Z."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that a text is."""
        if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
            raise Refused(f"{text!r} is no version of the form X.Y.Z")
        return cls(*map(int, text.split(".")))

    @property
    def text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self))

    @property
    def tag(self) -> str:
        """The tag that never moves."""
        return f"v{self.text}"

    @property
    def moving(self) -> str:
        """The tag that is at the newest release of this major version."""
        return f"v{self.major}"


def check_version(version: Version) -> None:
    """Refuse a version that the package does not have."""
    source = (ROOT / "src/hokusai_register/__init__.py").read_text(encoding="utf-8")
    if f'__version__ = "{version.text}"\n' not in source:
        raise Refused(f"__version__ is not {version.text}: change it first")


def notes(version: Version) -> str:
    """Return what CHANGELOG.md says of a version; refuse if it does not begin with it."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## \[(.+)\](.*)$", text, flags=re.MULTILINE)
    sections = list(zip(parts[::3], parts[1::3], map(str.strip, parts[2::3]), strict=True))
    if sections[:1] and sections[0][0] == "Unreleased" and sections.pop(0)[2]:
        raise Refused(f"CHANGELOG.md has unreleased entries: move them to {version.text}")
    name, when, said = sections[0] if sections else ("", "", "")
    if name != version.text or not said or not _is_date(when.removeprefix(" - ")):
        raise Refused(f"CHANGELOG.md begins with no `## [{version.text}] - DATE` and its changes")
    return said


def base() -> str:
    """Return the one image that the Dockerfile builds on, which must have no digest yet."""
    names: set[str] = set(BASE.findall((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    if len(names) != 1:
        raise Refused("the Dockerfile does not build on one image, without a digest: make it so")
    return names.pop()


def pin_base(digest: str) -> None:
    """Name the image that the Dockerfile builds on by its digest."""
    _replace(ROOT / "Dockerfile", BASE, f"FROM {base()}@{digest}")


def pin_image(image: str) -> None:
    """Let the action pull an image by its digest, where it would build one."""
    if not _replace(ROOT / "action.yml", BUILT, f"  image: docker://{image}"):
        raise Refused("action.yml has no line `  image: Dockerfile`: is this a release commit?")


def _replace(path: Path, pattern: re.Pattern[str], new: str) -> int:
    text, count = pattern.subn(new, path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    return count


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

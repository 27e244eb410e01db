"""Where a path that a user wrote really leads, and whether that may be read."""

from __future__ import annotations

import difflib
import os
import re
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from hokusai_register.errors import FileError
from hokusai_register.files import unreadable
from hokusai_register.rules import has_control

# Not even where a workspace of `/` would hold them: the kernel's files show this process's
# environment, and the runner's own hold the outputs and variables of other steps.
_NEVER = tuple(map(Path, ("/proc", "/sys", "/dev", "/github/file_commands", "/github/home")))
_RUNNERS_OWN = frozenset({"_runner_file_commands", "_github_home", "_github_workflow"})

_VARIABLE = re.compile(r"\A\$(?:\{(?P<braced>\w+)\}|(?P<bare>\w+))(?=[/\\]|\Z)")
_LONE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")  # half a character: in no file name
_JOB_CONTAINER = re.compile(r"\A/__w/[^/]+/[^/]+/(?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Roots:
    """The directories that a path may lie in."""

    workspace: Path
    temp: Path | None = None

    def below(self, real: Path) -> Path | None:
        """Return a real path relative to the root that holds it; None if it may not be used."""
        roots = [Path(os.path.realpath(root)) for root in (self.workspace, self.temp) if root]
        for base in sorted(roots, key=lambda root: -len(root.parts)):  # one may lie in the other
            hidden = [no for no in _NEVER if not base.is_relative_to(no)]
            if not real.is_relative_to(base) or any(map(real.is_relative_to, hidden)):
                continue
            inside = real.relative_to(base)
            return None if _RUNNERS_OWN.intersection(inside.parts[:1]) else inside
        return None

    def show(self, path: Path) -> str:
        """Return a path as users write it: quoted, escaped, relative to the workspace if inside."""
        base = os.path.realpath(self.workspace)
        return repr(str(path.relative_to(base) if path.is_relative_to(base) else path))


def locate(raw: str, roots: Roots, *, what: str = "model-path") -> Path:
    """Return the real path behind what a user wrote, or say why it cannot be used (FileError)."""
    text = raw.strip()
    _check_text(text, what)
    candidate = roots.workspace / _expand(text, roots)
    real = Path(os.path.realpath(candidate))
    inside = roots.below(real)
    if inside is None:
        real = _from_job_container(text, roots) or _refuse_outside(text, real, roots, what)
    elif not inside.parts:
        raise FileError(
            f"{what} {text!r} is the whole of {str(real)!r}",
            why="it would take in everything that lies there, not just the model",
            fix="give the model's own file or directory, such as `output/model`",
        )
    try:
        real.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(text, real, roots, what, _target(candidate)) from None
    except OSError as error:
        raise unreadable(f"{what} {text!r}", error) from None
    return real


def writable(raw: str, roots: Roots, *, what: str) -> Path:
    """Return the real path of a file that may be written or replaced (FileError)."""
    text = raw.strip()
    parent, slash, name = text.replace("\\", "/").rpartition("/")
    target = Path(os.path.realpath(roots.workspace / (parent + slash))) / name
    if roots.below(target) is None or name in ("", ".", "..") or os.path.islink(target):  # noqa: PTH114  # never raises
        _refuse_outside(text, target, roots, what)
    try:
        found = stat.S_ISDIR(target.parent.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except OSError as error:
        raise unreadable(f"{what} {text!r}", error) from None
    if not found:
        raise _missing(text, target.parent, roots, what, None)
    return target


def of_url(path: str) -> str:
    """Return the path that the path of a `file:` URL means: before a drive stands a slash more."""
    native = unquote(path)
    return native[1:] if Path(native[1:]).drive else native


def _check_text(text: str, what: str) -> None:
    if not text:
        raise FileError(f"{what} is empty", why="no path was given", fix=f"set {what}")
    if has_control(text) or _LONE.search(text):
        raise FileError(
            f"{what} {text!r} is not a path",
            why="it holds a control character or a line break",
            fix="give one path, on one line",
        )


def _expand(text: str, roots: Roots) -> str:
    match = _VARIABLE.match(text)
    known = {"GITHUB_WORKSPACE": roots.workspace, "RUNNER_TEMP": roots.temp}
    value = known.get(match["braced"] or match["bare"]) if match else None
    return f"{value}{text[match.end() :]}" if match and value else text


def _from_job_container(text: str, roots: Roots) -> Path | None:
    """Map a path of a `container:` job, which sees the workspace as /__w/NAME/NAME."""
    match = _JOB_CONTAINER.match(text)
    real = Path(os.path.realpath(roots.workspace / match["rest"])) if match else None
    inside = roots.below(real) if real else None
    return real if real and inside and inside.parts and _exists(real) else None


def _refuse_outside(text: str, real: Path, roots: Roots, what: str) -> NoReturn:
    why = "only what is in the workspace or in RUNNER_TEMP is read"
    if not _exists(real):
        why = "it is not there, or not visible inside the action's container"
    raise FileError(
        f"{what} {text!r} leads to {str(real)!r}, outside the workspace",
        why=f"{why}; the workspace is {str(roots.workspace)!r}",
        fix="use a path relative to the workspace; copy what lies elsewhere into it first",
    )


def _missing(text: str, real: Path, roots: Roots, what: str, target: Path | None) -> FileError:
    if target:
        return FileError(
            f"{what} {text!r} is a symbolic link to nothing",
            why=f"its target {str(target)!r} does not exist",
            fix="fetch the content first (`git annex get`, `dvc pull`), or give the file itself",
        )
    gone = real
    while not _exists(gone.parent):
        gone = gone.parent
    names = _names(gone.parent)
    near = difflib.get_close_matches(gone.name, names, n=3) or sorted(names)[:5]
    offers = [_longest(gone.parent / name, real.relative_to(gone)) for name in near]
    listed = ", ".join(map(roots.show, offers)) or "nothing"
    return FileError(
        f"{what} {text!r} does not exist",
        why=f"the workspace is {str(roots.workspace)!r}; nearest to it there: {listed}",
        fix="correct the path, or run the step that makes or downloads the model before this one",
    )


def _target(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in islice(entries, 1000)]
    except OSError:
        return []


def _longest(start: Path, rest: Path) -> Path:
    return start / rest if _exists(start / rest) else start


def _exists(path: Path) -> bool:
    """Say whether the system shows it; `Path.exists` raises where a parent may not be entered."""
    try:
        path.stat()
    except OSError:
        return False
    return True

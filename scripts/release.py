"""The steps of a release that ask or change the repository: `release.py STEP [ARGUMENT...]`.

    check VERSION                refuse a release that is not ready
    notes VERSION                print what CHANGELOG.md says of it
    base                         print the image that the Dockerfile builds on
    pin-base DIGEST              name that image by its digest
    commit VERSION IMAGE DIGEST  make the release commit, and print it
    tag VERSION                  push the tag that never moves
    move VERSION                 push the one that does; last

The release commit is on no branch: a child of main's head that names the image, and the image's
base, by digest. It follows from its parent, the version and the digests alone. So the job that
tests it and the job that publishes it make the very same one, and nothing is pushed before.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

from release_files import (
    ROOT,
    Refused,
    Version,
    base,
    check_version,
    notes,
    pin_base,
    pin_image,
)

PULLED = re.compile(r"^  image: docker://\S+@sha256:\S+$", re.MULTILINE)
WHO = {
    "NAME": "github-actions[bot]",
    "EMAIL": "41898282+github-actions[bot]@users.noreply.github.com",
}


def check(version: Version) -> None:
    """Refuse a release that is not ready."""
    _check_clean()
    check_version(version)
    notes(version)
    tags = _published()
    if version.tag in tags:
        raise Refused(f"{version.tag} is there already and does not move: take the next version")
    _check_newest(version, tags)


def commit(version: Version, image: str, digest: str) -> str:
    """Make the release commit, and return it."""
    _check_clean()
    pin_base(digest)
    pin_image(image)
    who = {**WHO, "DATE": _git("show", "--no-patch", "--format=%cI", "HEAD")}
    identity = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    message = f"Release {version.text}\n\nThe parent, with the image and its base by digest."
    _git("commit", "--quiet", "--no-gpg-sign", "--all", "--message", message, **identity)
    return _git("rev-parse", "HEAD")


def tag(version: Version) -> None:
    """Push the tag that never moves; where it is this commit already, all is done."""
    head, there = _git("rev-parse", "HEAD"), _published().get(version.tag)
    if not PULLED.search(_git("show", "HEAD:action.yml")):
        raise Refused("this is no release commit: its action.yml names no image by digest")
    check_version(version)
    if there not in {None, head}:
        raise Refused(f"{version.tag} is another commit already, and does not move")
    _git("push", "--quiet", "origin", f"{head}:refs/tags/{version.tag}")


def move(version: Version) -> None:
    """Push the tag that moves, unless somebody else has moved it since we looked."""
    head, tags = _git("rev-parse", "HEAD"), _published()
    if tags.get(version.tag) != head:
        raise Refused(f"{version.tag} is not this commit: {version.moving} moves last")
    _check_newest(version, tags)
    ref = f"refs/tags/{version.moving}"
    lease = f"--force-with-lease={ref}:{tags.get(version.moving, '')}"
    _git("push", "--quiet", lease, "origin", f"{head}:{ref}")


def _check_clean() -> None:
    if _git("status", "--porcelain"):
        raise Refused("the work tree has changes: commit or remove them")


def _check_newest(version: Version, tags: dict[str, str]) -> None:
    releases = (Version.parse(name[1:]) for name in tags if "." in name)
    newest = max((one for one in releases if one.major == version.major), default=version)
    if newest > version:
        raise Refused(f"{newest.tag} is newer: {version.moving} would move backwards")


def _published() -> dict[str, str]:
    """Return what the tags of releases are on the server."""
    rows = (row.split() for row in _git("ls-remote", "--tags", "origin").splitlines())
    tags = {ref.removeprefix("refs/tags/"): sha for sha, ref in rows}
    return {name: sha for name, sha in tags.items() if re.fullmatch(r"v\d+(\.\d+\.\d+)?", name)}


def _git(*arguments: str, **environ: str) -> str:
    ran = subprocess.run(  # noqa: S603  # our own words, or checked ones
        ["git", *arguments],  # noqa: S607  # the machine's own
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def _digest(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise Refused(f"{text!r} is no digest sha256:…")
    return text


def _image(text: str) -> str:
    name, _, digest = text.partition("@")
    if not re.fullmatch(r"[a-z0-9.:-]+(/[a-z0-9._-]+)+", name):
        raise Refused(f"{text!r} is no image NAME@sha256:…")
    return f"{name}@{_digest(digest)}"


STEPS: dict[str, tuple[Callable[..., str | None], tuple[Callable[[str], object], ...]]] = {
    "check": (check, (Version.parse,)),
    "notes": (notes, (Version.parse,)),
    "base": (base, ()),
    "pin-base": (pin_base, (_digest,)),
    "commit": (commit, (Version.parse, _image, _digest)),
    "tag": (tag, (Version.parse,)),
    "move": (move, (Version.parse,)),
}


def main(name: str = "", *given: str) -> None:
    """Do one step, and print what it gives."""
    step, parsers = STEPS.get(name, (None, ()))
    if step is None or len(given) != len(parsers):
        sys.exit(__doc__)
    try:
        said = step(*(parse(text) for parse, text in zip(parsers, given, strict=True)))
    except Refused as why:
        sys.exit(f"refused: {why}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"git {error.cmd[1]} failed, and says why above")
    if said:
        print(said)


if __name__ == "__main__":
    main(*sys.argv[1:])

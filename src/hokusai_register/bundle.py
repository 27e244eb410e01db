"""A registration that is kept to be made later: the request, its digests, and the model's files."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hokusai_register import artifact, checks, keeping, tokens
from hokusai_register.errors import FileError
from hokusai_register.files import Reading, checked, inside, open_file, unheard
from hokusai_register.model import Artifact, Attempt, File, Model, Provenance
from hokusai_register.rules import has_control
from hokusai_register.tokenized import Token

NAME = "bundle.json"
FILES = "files"
SCHEMA = 1
LIMIT = 16 << 20  # bytes of a bundle.json; its metrics and its list of files
_ANY = checks.free_text(5_000)
# What a bundle may say is what an input may say: it may come from anywhere.
_TEXTS: dict[str, Callable[[str], str]] = {
    "name": checks.model_name,
    "kind": checks.kind,
    "version": checks.version_label,
    "description": _ANY,
    "alias": checks.alias,
    "experiment": checks.experiment_name,
    "run_id": checks.run_id,
    "origin": _ANY,
}
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_HEX = re.compile(r"[0-9a-f]{64}")


def keep(model: Model, files: Artifact, tried: Sequence[Attempt], directory: Path) -> Path:
    """Write a bundle below `directory`, whole or not at all; return where it is.

    The bytes are hashed again as they are copied: a bundle never holds others than were announced.
    """
    key = model.key(files.digest)
    target = directory / key
    if _is_whole(target):
        return target
    with keeping.disk(target), keeping.aside(target, _is_whole) as scratch:
        for file in files.files:
            _copy(files.root, file, scratch / FILES / file.path)
        content = json.dumps(_describe(model, files, tried, key), indent=2, sort_keys=True)
        (scratch / NAME).write_text(content + "\n", encoding="utf-8")
    return target


def _is_whole(target: Path) -> bool:
    """Whether what its name says is kept there, undamaged."""
    try:
        kept = open_bundle(target)
    except FileError:
        return False
    return isinstance(kept.source, Artifact) and kept.key(kept.source.digest) == target.name


def is_bundle(path: Path) -> bool:
    """Whether a directory says that it is a bundle."""
    return os.path.isfile(path / NAME)  # noqa: PTH113  # Path.is_file raises behind a closed door


def open_bundle(path: Path, reading: Reading = unheard) -> Model:
    """Return the model of a bundle after checking schema, paths, sizes and digests (FileError).

    `reading` hears how many bytes there are, before they are read.
    """
    shown = path.name
    with open_file(path, NAME) as stream:
        content = stream.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise _broken(shown, f"its {NAME} is larger than {LIMIT:,} bytes")
    try:
        told = json.loads(content)
        files = _files(told, path)
        model = _model(told["request"], told["provenance"], files)
        same = model.key(files.digest) == told["key"]
    except _MALFORMED as error:
        raise _broken(shown, f"its {NAME} does not have the form of schema {SCHEMA}") from error
    if not same:
        raise _broken(shown, "its key is not that of its content")
    with reading(sum(file.size for file in files.files)) as hear:
        for file in files.files:
            _verify(files.root, file, shown, hear)
    return model


def _describe(model: Model, files: Artifact, tried: Sequence[Attempt], key: str) -> dict[str, Any]:
    request = {
        field.name: getattr(model, field.name)
        for field in dataclasses.fields(model)
        if field.name not in ("source", "provenance", "token")
    }
    token = model.token.facts if model.token else None
    return {
        "schema": SCHEMA,
        "key": key,
        "request": {**request, "token": token},
        "provenance": dataclasses.asdict(model.provenance),
        "files": [dataclasses.asdict(file) for file in files.files],
        "digest": files.digest,
        "is_directory": files.is_directory,
        "left_out": list(files.left_out),
        "fell_back": [
            {"backend": attempt.backend, "reason": attempt.error.reason, "why": str(attempt.error)}
            for attempt in tried
            if attempt.error
        ],
    }


def _files(told: Any, path: Path) -> Artifact:
    if told["schema"] != SCHEMA:
        raise ValueError("another schema")
    files = tuple(File(str(f["path"]), int(f["size"]), str(f["sha256"])) for f in told["files"])
    if not all(_plain(file.path) and _HEX.fullmatch(file.sha256) for file in files):
        raise ValueError("a path leads out of the bundle")
    # Of a single file the digest speaks of the first only; of two of one name, of neither.
    most = len({file.path for file in files}) if told["is_directory"] else 1
    if not files or len(files) > most:
        raise ValueError("there are files that the digest does not speak of")
    digest = artifact.tree_digest(files) if told["is_directory"] else files[0].sha256
    if digest != told["digest"]:
        raise ValueError("the digest is not that of the files")
    return Artifact(
        root=path.resolve() / FILES,
        files=files,
        digest=digest,
        kind=str(told["request"]["kind"]),
        is_directory=bool(told["is_directory"]),
        left_out=tuple(str(name) for name in told["left_out"]),
    )


def _model(request: dict[str, Any], came_from: dict[str, str], files: Artifact) -> Model:
    given = {name: str(request[name]) for name in _TEXTS}
    texts = {name: _TEXTS[name](text) if text else "" for name, text in given.items()}
    if not texts["name"]:
        raise ValueError("a model without a name")
    return Model(
        source=files,
        metrics={str(name): float(value) for name, value in request["metrics"].items()},
        params={str(name): str(value) for name, value in request["params"].items()},
        tags={str(name): str(value) for name, value in request["tags"].items()},
        metadata=dict(request["metadata"]),
        token=_token(request.get("token")),
        provenance=Provenance(**{name: str(text) for name, text in came_from.items()}),
        **texts,
    )


def _token(told: Any) -> Token | None:
    if told is None:  # or it was kept before there were any
        return None
    id_, metric = str(told["id"]), str(told["metric"])
    return tokens.token(id_, metric, told["baseline"], told.get("details"))


def _plain(path: str) -> bool:
    return inside(path) and not has_control(path)


def _copy(root: Path, file: File, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_file(root, file.path) as source, target.open("xb") as copy:
        copy.writelines(checked(source, file))


def _verify(root: Path, file: File, shown: str, hear: Callable[[int], object]) -> None:
    try:
        with open_file(root, file.path) as stream:
            for piece in checked(stream, file):
                hear(len(piece))
    except (OSError, FileError) as error:
        raise _broken(shown, f"{file.path!a} is not what was kept") from error


def _broken(shown: str, why: str) -> FileError:
    return FileError(
        f"the bundle {shown!a} cannot be used",
        why=why,
        fix="fetch it again from where it was kept, whole and unchanged",
    )


def relative(path: Path, workspace: Path) -> str:
    """Return a bundle's path as later steps and people use it: relative to the workspace."""
    return Path(os.path.relpath(path, os.path.realpath(workspace))).as_posix()

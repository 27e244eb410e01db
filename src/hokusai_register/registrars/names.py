"""Which file names an MLflow server keeps as they are, and gives back again."""

from __future__ import annotations

from urllib.parse import unquote

from hokusai_register.errors import Reason, RegisterError, RejectedError, UnconfirmedError
from hokusai_register.model import Artifact
from hokusai_register.registrars.shelf import Shelf


def check(artifact: Artifact) -> None:
    """Refuse the names that no server keeps: tried with MLflow 2.22, 3.5 and 3.17."""
    wrong = [file.path for file in artifact.files if _wrong(file.path)]
    if wrong:
        shown = ", ".join(f"{name!a}" for name in wrong[:5])
        raise RejectedError(
            "the model has file names that MLflow cannot keep",
            why=f"{shown}: a server refuses `#`, takes `%41` for `A`, and its client loses `?`; "
            "a name has to be UTF-8",
            fix="rename the files, or pack them into an archive",
            reason=Reason.INVALID,
        )


def fetch_back(shelf: Shelf, path: str, artifact: Artifact) -> None:
    """Read the files with names beyond ASCII again: older servers keep and list, but lose them."""
    for file in artifact.files:
        if file.path.isascii():
            continue
        try:
            kept = shelf.digest(f"{path}/{file.path}")
        except RegisterError as error:
            raise _lost(shelf, file.path, error.why) from error
        if kept != (file.sha256, file.size):
            raise _lost(shelf, file.path, f"what it gives back has {kept[1]:,} bytes")


def _wrong(name: str) -> bool:
    surrogates = any("\ud800" <= char <= "\udfff" for char in name)
    return surrogates or unquote(name) != name or "#" in name or "?" in name


def _lost(shelf: Shelf, name: str, why: str) -> UnconfirmedError:
    return UnconfirmedError(
        f"{shelf.host} does not give {name!a} back as it was sent",
        why=why,
        fix="give the file a name in ASCII, or update the MLflow server",
        reason=Reason.VERIFY_FAILED,
    )

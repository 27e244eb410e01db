"""Where a secret must never be found."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from functional.runner import Result


def forms(secret: str) -> Iterator[bytes]:
    """Yield what shows a secret, or enough of it, in whatever it is written."""
    yield secret[:12].encode()
    yield secret[-12:].encode()
    for before in ("", ":", "a:", "Bearer "):
        encoded = base64.b64encode(f"{before}{secret}".encode())
        yield encoded[(len(before) * 4 + 2) // 3 + 1 :][:20]
    yield secret.encode().hex().encode()
    yield secret.encode().hex().upper().encode()


def leaks(secret: str, result: Result, *places: Path) -> list[str]:
    """Return where a secret can be read, in any form; the commands that mask it must have it."""
    log = re.sub("(?m)^::add-mask::.*\n", "", result.log)
    written = {"log": log, "outputs": str(result.outputs), "summary": result.summary}
    found = [n for n, text in written.items() if any(f in text.encode() for f in forms(secret))]
    for path in (path for place in places for path in place.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found += [str(path) for form in forms(secret) if form in content]
    return found

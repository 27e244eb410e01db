"""Looks for secrets in what a program wrote: any twelve characters of one, however written."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, quote_plus

WINDOW = 12  # characters of a secret that must not stand together anywhere


def leaks(secret: str, content: bytes) -> list[str]:
    """Return the names of the writings in which a part of `secret` stands in `content`."""
    return sorted({name for name, part in _parts(secret) if part in content})


@cache
def _parts(secret: str) -> frozenset[tuple[str, bytes]]:
    """Return each part of `secret` in each of its writings."""
    starts = range(max(len(secret) - WINDOW, 0) + 1)
    return frozenset(
        (name, text.encode("utf-8", "surrogatepass"))
        for start in starts
        for name, text in writings(secret[start : start + WINDOW])
    )


def writings(text: str) -> Iterator[tuple[str, str]]:
    """Yield each way in which programs write `text`, with its name."""
    data = text.encode("utf-8", "surrogatepass")
    yield "as it is", text
    yield "reversed", text[::-1]
    yield "repr", repr(text)[1:-1]
    yield "repr of bytes", repr(data)[2:-1]
    yield "JSON", json.dumps(text)[1:-1]
    yield "JSON, not ASCII", json.dumps(text, ensure_ascii=False)[1:-1]
    yield "JSON for HTML", json.dumps(text)[1:-1].replace("/", "\\/")
    yield "HTML", html.escape(text)
    yield "hex", data.hex()
    yield "HEX", data.hex().upper()
    for name, escaped in (("URL", quote(text, safe="")), ("path", quote(text)), *_plus(text)):
        yield name, escaped
        yield f"{name}, lower", re.sub("%..", lambda byte: byte[0].lower(), escaped)
    for offset in range(3):
        bits = offset * 8, (offset + len(data)) * 8
        whole = base64.b64encode(bytes(offset) + data).decode()
        inner = whole[-(-bits[0] // 6) : bits[1] // 6]  # without those that have others' bits
        yield f"base64 behind {offset}", inner
        yield f"base64url behind {offset}", inner.replace("+", "-").replace("/", "_")


def _plus(text: str) -> Iterator[tuple[str, str]]:
    yield "form", quote_plus(text)

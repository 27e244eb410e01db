"""What a server says of an answer in its own words, in each shape that services give them."""

from __future__ import annotations

import html
import re

DEEPEST = 5  # how far down in its body a server's own words are looked for
_NAMES = ("message", "Message", "detail", "error")
_TITLE = re.compile("(?is)<title[^>]*>(.*?)</title>")


def said(parsed: object, body: bytes, kind: str) -> str:
    """Return the words in a body of this content type; `parsed` is what it is as JSON, or None."""
    if not isinstance(parsed, dict):
        return _plain(body, kind) or counted(body, kind)
    found = next((parsed[name] for name in _NAMES if parsed.get(name)), "")
    return _flat(found, DEEPEST) or "no explanation"


def counted(body: bytes, kind: str) -> str:
    """Return how much came, and of which content type."""
    if not body.strip():
        return "an empty body"
    return f"{len(body):,} bytes of {kind[:60] or 'no content type'}"


def _plain(body: bytes, kind: str) -> str:
    """Return what a plain text says, or the title of a page, on one line."""
    if not kind.startswith("text/"):
        return ""
    text = body.decode(errors="replace")
    if title := _TITLE.search(text):
        return f"a page titled {' '.join(html.unescape(title[1]).split())!a}"
    return "" if text.lstrip().startswith("<") else " ".join(text.split())


def _flat(found: object, depth: int) -> str:
    """Return FastAPI's list of problems as `loc: msg`, anything else as text."""
    if depth == 0:
        return ""
    if isinstance(found, list):
        return "; ".join(_flat(item, depth - 1) for item in found)
    if isinstance(found, dict) and "msg" in found:
        where = found.get("loc")
        steps = where if isinstance(where, list) else []
        path = ".".join(str(step) for step in steps if isinstance(step, (str, int)))
        return f"{path}: {_flat(found['msg'], depth - 1)}"
    if isinstance(found, dict):
        return _flat(found.get("message") or found.get("error") or "", depth - 1)
    return str(found)

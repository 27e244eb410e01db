"""Secrets are taken out of every text that leaves us, whatever they are written as, and in parts.

A runner hides a secret that it was told of, but not its base64 with something before it, its hex
digits, nor the half of it that a server quotes.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from hokusai_register.text import visible

MASK = "***"
# A shorter text is no secret, and one below the second bound too short for its encodings to be
# told from chance.
_SHORTEST, _SHORTEST_ENCODED = 4, 8
# As many characters of a secret that stand together are a part of it. What they are at least in
# hex, and in base64 whatever is before and after them.
_PART, _PART_HEX, _PART_BASE64 = 12, 24, 15


class _Whole(NamedTuple):
    """A secret as it may be written: how many characters around it have bits of it, too."""

    form: str
    before: int = 0
    after: int = 0


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with `***` for every form of `secrets`. To be used before text is neutralised.

    A form is the secret itself, or what base64 (at any offset in what was encoded), hex, URLs,
    HTML, JSON and Python make of it, or a part of that. A secret of 4 to 7 characters: itself, as
    a whole word.
    """
    spans = sorted(span for secret in secrets for span in _found(text, secret))
    kept: list[str] = []
    end = 0
    for start, stop in spans:
        # What overlaps the one before is under the same mask.
        if start >= end:
            kept += (text[end:start], MASK)
        end = max(end, stop)
    return "".join(kept) + text[end:]


def _found(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Yield where in `text` a form of `secret` stands, overlapping ones too."""
    if len(secret) >= _SHORTEST_ENCODED:
        for whole in _wholes(secret):
            for start in _places(text, whole.form):
                yield max(start - whole.before, 0), start + len(whole.form) + whole.after
        for length, parts in _parts(secret).items():
            for start in range(len(text) - length + 1):
                if text[start : start + length] in parts:
                    yield start, start + length
    elif len(secret) >= _SHORTEST:
        whole_word = re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)")
        yield from (match.span() for match in whole_word.finditer(text))


def _places(text: str, form: str) -> Iterator[int]:
    start = text.find(form)
    while start >= 0:
        yield start
        start = text.find(form, start + 1)


@lru_cache
def _wholes(secret: str) -> tuple[_Whole, ...]:
    data = secret.encode(errors="surrogatepass")
    written = {*_written(secret, data), *_hex(data)}
    return (*map(_Whole, written), *_base64(data))


@lru_cache
def _parts(secret: str) -> dict[int, frozenset[str]]:
    """Return all parts of all forms, by their length."""
    data = secret.encode(errors="surrogatepass")
    forms = {
        _PART: _written(secret, data),
        _PART_HEX: _hex(data),
        _PART_BASE64: {whole.form for whole in _base64(data)},
    }
    return {
        length: frozenset(
            form[start : start + length] for form in some for start in range(len(form) - length + 1)
        )
        for length, some in forms.items()
    }


def _written(secret: str, data: bytes) -> set[str]:
    in_json = json.dumps(secret)[1:-1]
    in_urls = {quote(data, safe=""), quote(data), quote_plus(data)}
    return {
        secret,
        secret[::-1],
        visible(secret),
        repr(secret)[1:-1],
        repr(data)[2:-1],
        in_json,
        in_json.replace("/", "\\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        *in_urls,
        *(re.sub("%..", lambda byte: byte[0].lower(), form) for form in in_urls),
    }


def _hex(data: bytes) -> set[str]:
    return {data.hex(), data.hex().upper()}


def _base64(data: bytes) -> Iterator[_Whole]:
    """Yield what stays of `data` in any base64 of something around it."""
    for offset, first in enumerate((0, 2, 3)):
        bits = (offset + len(data)) * 8
        form = base64.b64encode(bytes(offset) + data).decode()[first : bits // 6]
        for alphabet in (form, form.replace("+", "-").replace("/", "_")):
            yield _Whole(alphabet, min(offset, 1), min(bits % 6, 1))

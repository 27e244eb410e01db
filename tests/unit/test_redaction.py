"""A secret is taken out of a text, whole or in part, however it is written; nothing else is."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaries import WINDOW, leaks, writings
from hokusai_register.redaction import redact
from hokusai_register.text import visible
from hostile import texts

SECRET = 'hk_live_9f3K+/x~"é\\&<'
BASIC = "hk_live_9f3K.4-x~"


@pytest.mark.parametrize("secret", [SECRET, BASIC, "\ud800 eight+ ", "back\\slash\ttab"])
def test_every_form_of_a_secret_is_redacted(secret: str) -> None:
    data = secret.encode("utf-8", "surrogatepass")
    forms = [
        secret,
        quote(data, safe=""),
        re.sub("%..", lambda byte: byte[0].lower(), quote(data, safe="")),
        quote(data),
        quote_plus(data),
        data.hex(),
        data.hex().upper(),
        repr(secret),
        repr(data),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(secret).replace("/", "\\/"),
        html.escape(secret),
        html.escape(secret, quote=False),
        visible(secret),
    ]
    for form in forms:
        shown = redact(f"<{form}>", [secret])
        assert shown.replace("b'", "'") in ("<***>", "<'***'>", '<"***">')


@given(st.binary(max_size=7), st.binary(max_size=7), st.sampled_from(["+/", "-_"]))
def test_base64_of_anything_with_a_secret_in_it_is_redacted(
    before: bytes, after: bytes, signs: str
) -> None:
    encoded = base64.b64encode(before + BASIC.encode() + after, signs.encode()).decode()
    for form in (encoded, encoded.rstrip("=")):
        shown = redact(form, [BASIC])
        head, _, tail = shown.partition("***")
        assert shown != form
        # What is left has no bit of the secret in it.
        assert len(head) * 6 <= len(before) * 8
        stop = len(encoded.rstrip("=")) - len(tail.rstrip("="))
        assert stop * 6 >= len(before + BASIC.encode()) * 8


@given(texts(), texts())
def test_nothing_else_is_redacted(before: str, after: str) -> None:
    assert redact(before + after, [BASIC]) == before + after
    assert redact(f"{before}{BASIC}{after}", [BASIC]) == f"{before}***{after}"


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("abcabcabcabc abc", ["abcabcabc"], "*** abc"),
        ("first-and-second", ["first-and", "and-second"], "***"),
        ("longer-than-the-other", ["longer-than-the-other", "than-the"], "***"),
        ("one-secret two-secret", ["two-secret", "one-secret"], "*** ***"),
        ("pass passport bypass (pass) cGFzcw==", ["pass"], "*** passport bypass (***) cGFzcw=="),
        ("secret!! c2VjcmV0ISE= secret", ["secret!!"], "*** ***= secret"),
        ("abc", ["abc", "", " "], "abc"),
        ("1234567 12345678 31323334353637", ["1234567"], "*** 12345678 31323334353637"),
        ("nothing", [], "nothing"),
    ],
)
def test_secrets_that_overlap_or_are_short(text: str, secrets: list[str], shown: str) -> None:
    assert redact(text, secrets) == shown


@pytest.mark.parametrize("secret", [SECRET, BASIC, "pass:w%rd with/all+of=them"])
@pytest.mark.parametrize("size", [WINDOW, WINDOW + 1, 100])
def test_no_part_of_a_secret_is_left(secret: str, size: int) -> None:
    for start in range(max(len(secret) - size, 0) + 1):
        for name, written in writings(secret[start : start + size]):
            text = f"before <{written}> after"
            assert leaks(secret, text.encode()), name
            shown = redact(text, [secret])
            assert leaks(secret, shown.encode()) == [], name
            assert (shown[:7], shown[-6:]) == ("before ", " after")


def test_less_than_a_part_is_left() -> None:
    assert redact(f"it begins with {BASIC[:11]}…", [BASIC]) == f"it begins with {BASIC[:11]}…"
    assert redact(f"it begins with {BASIC[:12]}…", [BASIC]) == "it begins with ***…"

"""The search for secrets finds each writing that is planted, and nothing where there is none."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from canaries import leaks

KEY = "hk_live_Canary.9f3K~4x-Q7"
SIGNS = 't%k+/=&<"é\\>~ 9f3K4xQ7Zw'


def plants(text: str) -> dict[str, str]:
    data = text.encode()
    return {
        "as it is": text,
        "reversed": text[::-1],
        "repr": repr(text),
        "repr of bytes": repr(data),
        "JSON": json.dumps(text),
        "JSON, not ASCII": json.dumps(text, ensure_ascii=False),
        "JSON for HTML": json.dumps(text).replace("/", "\\/"),
        "HTML": html.escape(text),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "URL": quote(text, safe=""),
        "path": quote(text),
        "form": quote_plus(text),
        "path, lower": re.sub("%..", lambda byte: byte[0].lower(), quote(text)),
        **{
            f"base64 behind {len(user)}": base64.b64encode(f"{user}{text}:x".encode()).decode()
            for user in ("", ":", "u:")
        },
        **{
            f"base64url behind {len(user)}": base64.urlsafe_b64encode(
                f"{user}{text}\xff\xff".encode()
            ).decode()
            for user in ("", ":", "u:")
        },
    }


@pytest.mark.parametrize("secret", [KEY, SIGNS])
@pytest.mark.parametrize("name", plants(KEY))
@pytest.mark.parametrize("part", [slice(None), slice(12), slice(-12, None), slice(5, 18)])
def test_each_writing_is_found(secret: str, name: str, part: slice) -> None:
    planted = plants(secret[part])[name]
    content = f"\0before {planted} after\n".encode()
    assert name in leaks(secret, content)


@pytest.mark.parametrize("secret", [KEY, SIGNS])
@pytest.mark.parametrize("name", plants(KEY))
def test_ten_characters_are_no_part(secret: str, name: str) -> None:
    planted = plants(secret[5:15])[name]
    assert leaks(secret, f"before {planted} after".encode()) == []


def test_nothing_is_found_in_nothing() -> None:
    assert leaks(KEY, b"") == []
    assert leaks(KEY, b"hk_live_ *** Bearer " + base64.b64encode(b"hk_live_") * 9) == []


def test_a_short_secret_is_found_whole() -> None:
    assert "as it is" in leaks("passw0rd", b"it is passw0rd")
    assert leaks("passw0rd", b"it is passw0r") == []

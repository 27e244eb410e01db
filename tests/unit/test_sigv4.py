"""Signatures of AWS: those that it published, and those that its own library makes."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws import complaint
from hokusai_register.access import AwsKeys
from hokusai_register.http.sigv4 import authorization, signed
from hokusai_register.model import Secret

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of AWS's published test suite
KEYS = AwsKeys(id="AKIDEXAMPLE", secret=Secret(SECRET), region="us-east-1", service="service")
NOBODY = hashlib.sha256(b"").hexdigest()
FORM = hashlib.sha256(b"Param1=value1").hexdigest()


@pytest.mark.parametrize(
    ("method", "target", "kind", "sha256", "signature"),
    [
        pytest.param(*row[1:], id=row[0])
        for row in (
            (
                *("get-vanilla", "GET", "/", "", NOBODY),
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                *("post-vanilla", "POST", "/", "", NOBODY),
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                *("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1"),
                *("", NOBODY),
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                *("get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1"),
                *("", NOBODY),
                "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
            ),
            (
                *("get-slashes", "GET", "//example//", "", NOBODY),
                "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
            ),
            (
                *("post-x-www-form-urlencoded", "POST", "/"),
                *("application/x-www-form-urlencoded", FORM),
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        )
    ],
)
def test_the_published_ones(
    method: str, target: str, kind: str, sha256: str, signature: str
) -> None:
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    if kind:
        headers["content-type"] = kind
    made = authorization(KEYS, method, f"https://example.amazonaws.com{target}", headers, sha256)
    assert made.startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature="
    )
    assert made.endswith(signature)


def sent(url: str, body: bytes, session: str = "") -> dict[str, str]:
    """Return the headers of a POST, as they arrive."""
    keys = AwsKeys(id="AKID", secret=Secret(SECRET), session=Secret(session), region="eu-west-1")
    digest = hashlib.sha256(body).hexdigest()
    made = signed(keys, "POST", url, "application/json", digest)
    host = re.sub(":443$", "", url.split("/")[2])
    arrived = {"host": host, "content-type": "application/json", **made}
    return {name.lower(): value for name, value in arrived.items()}


def verdict(url: str, body: bytes, headers: dict[str, str], method: str = "POST") -> str:
    return complaint({"AKID": SECRET}, method, url, headers, body)


# As clients send it: `.` and `..` are resolved before, and a blank is never `+`.
escaped = (
    st.text(st.characters(codec="utf-8"), max_size=12)
    .map(lambda text: quote(text, safe="!$'()*,;:@"))
    .filter(lambda text: text not in {".", ".."})
)


@given(
    path=st.lists(escaped, max_size=4),
    query=st.lists(st.tuples(escaped, escaped), max_size=4),
    body=st.binary(max_size=20),
    session=st.sampled_from(["", "FwoGZXIvYXdzEJr//token=="]),
)
def test_those_of_botocore(
    path: list[str], query: list[tuple[str, str]], body: bytes, session: str
) -> None:
    url = f"https://gate.example:443/{'/'.join(path)}"
    if query:
        url += "?" + "&".join(f"{name}={value}" for name, value in query)
    headers = sent(url, body, session)
    assert verdict(url, body, headers) == ""
    assert ("x-amz-security-token" in headers) == bool(session)


@pytest.mark.parametrize(
    "changed", ["method", "path", "query", "body", "host", "type", "date", "secret", "token"]
)
def test_whatever_is_changed_on_the_way_shows(changed: str) -> None:
    url, body, method = "https://gate.example/a/b?c=d", b'{"e": 1}', "POST"
    headers = sent(url, body, "token")
    secret = SECRET
    match changed:
        case "method":
            method = "PUT"
        case "path":
            url = url.replace("/b", "/c")
        case "query":
            url = url.replace("c=d", "c=e")
        case "body":
            body += b" "
        case "host":
            headers["host"] = "other.example"
        case "type":
            headers["content-type"] = "text/plain"
        case "date":
            headers["x-amz-date"] = headers["x-amz-date"].replace("Z", "1Z")
        case "secret":
            secret = SECRET[::-1]
        case "token":
            headers["x-amz-security-token"] = "other"
    assert "does not match" in complaint({"AKID": secret}, method, url, headers, body)

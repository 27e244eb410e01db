"""AWS Signature Version 4: a secret key signs each request, and is never sent.

As https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html says.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes, urlsplit

from hokusai_register.access import AwsKeys
from hokusai_register.model import sha256_hex

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed(keys: AwsKeys, method: str, url: str, content_type: str, sha256: str) -> dict[str, str]:
    """Return the headers to add to a request, now; `sha256` is that of its body."""
    to_sign = {
        "host": _host(url),
        "content-type": content_type,
        "x-amz-content-sha256": sha256,
        "x-amz-date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-security-token": keys.session.reveal(),
    }
    to_sign = {name: value for name, value in to_sign.items() if value}
    added = {name: value for name, value in to_sign.items() if name.startswith("x-amz-")}
    return {**added, "Authorization": authorization(keys, method, url, to_sign, sha256)}


def authorization(
    keys: AwsKeys, method: str, url: str, headers: Mapping[str, str], sha256: str
) -> str:
    """Return the header that signs all of this; the names of `headers` are in lower case."""
    target, names = urlsplit(url), sorted(headers)
    request = (
        *(method, _path(target.path), _query(target.query)),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names),
        *("", ";".join(names), sha256),
    )
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{keys.region}/{keys.service}/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, sha256_hex("\n".join(request))))
    key = f"AWS4{keys.secret.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"{_ALGORITHM} Credential={keys.id}/{scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )


def _host(url: str) -> str:
    """Return the header Host, which HTTP clients send without the scheme's own port."""
    target = urlsplit(url)
    usual = {"http": ":80", "https": ":443"}[target.scheme]
    return target.netloc.removesuffix(usual)


def _path(path: str) -> str:
    """Return a path that is already escaped, escaped once more: all services but S3 want that."""
    return quote(re.sub("/+", "/", path) or "/", safe="/~")


def _query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    escaped = sorted((_escaped(name), _escaped(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in escaped)


def _escaped(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="~")

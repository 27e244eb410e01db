"""What AWS makes of a signed request, by its own library: the signature that belongs to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def complaint(
    secrets: Mapping[str, str], method: str, url: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Say what is wrong with a request, or nothing; header names are in lower case."""
    scope = _SCOPE.fullmatch(headers.get("authorization", ""))
    if not scope:
        return "Missing Authentication Token"
    secret = secrets.get(scope["id"])
    if secret is None:
        return "The security token included in the request is invalid."
    names = scope["names"].split(";")
    needed = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    if headers.get("content-type"):
        needed.add("content-type")
    if not needed <= set(names):
        return f"'{min(needed - set(names))}' must be a 'SignedHeader' in the AWS Credential"
    return (
        ""
        if scope["signature"] == _expected(scope, secret, method, url, headers, body)
        else ("The request signature we calculated does not match the signature you provided.")
    )


def _expected(
    scope: re.Match[str],
    secret: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> str:
    pairs = [pair.partition("=") for pair in urlsplit(url).query.split("&") if pair]
    signed = {name: headers[name] for name in scope["names"].split(";")}
    if "x-amz-content-sha256" in signed:
        signed["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()  # of what has arrived
    request = AWSRequest(
        method,
        url.partition("?")[0],
        headers=signed,
        data=body,
        params=[(unquote(name), unquote(value)) for name, _, value in pairs],
    )
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(scope["id"], secret), scope["service"], scope["region"])
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))

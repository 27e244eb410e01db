"""What an HTTP answer means: one cause for each status, whatever the body says or hides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_register.errors import (
    AuthError,
    NotTheServiceError,
    ProxyAuthError,
    Reason,
    RegisterError,
    RejectedError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.http.answers import QUOTE, Answer, Effect, refusal, senseless

READ, REPEATABLE, ONCE = Effect.READ, Effect.REPEATABLE, Effect.ONCE
WRITES = (REPEATABLE, ONCE)
JSON = {"content-type": "application/json; charset=utf-8"}


def answer(
    status: int = 400,
    body: bytes | object = b"",
    effect: Effect = READ,
    headers: dict[str, str] | None = None,
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("a.example", effect, status, JSON if headers is None else headers, raw)


# status: class and reason, whatever the effect of the request
ALWAYS: dict[int, tuple[type[RegisterError], Reason]] = {
    **dict.fromkeys((300, 301, 302, 303, 304, 307, 308, 399), (TrustError, Reason.REDIRECT)),
    **dict.fromkeys((400, 406, 410, 411, 415, 418, 422, 431), (RejectedError, Reason.INVALID)),
    401: (AuthError, Reason.AUTH_401),
    402: (RejectedError, Reason.INVALID),
    403: (AuthError, Reason.AUTH_403),
    **dict.fromkeys((404, 405, 501), (NotTheServiceError, Reason.NOT_FOUND)),
    407: (ProxyAuthError, Reason.PROXY_AUTH),
    409: (RejectedError, Reason.CONFLICT),
    413: (RejectedError, Reason.TOO_LARGE),
    429: (UnavailableError, Reason.RATE_LIMITED),
}
# status: the reason if it was a read; of a write nobody knows what became
LATER = {
    **dict.fromkeys((408, 425), Reason.TIMEOUT),
    **dict.fromkeys((500, 502, 503, 504, 507, 520, 599), Reason.SERVER_5XX),
}
STATUSES = [
    *((status, effect, *row) for status, row in ALWAYS.items() for effect in Effect),
    *((status, READ, UnavailableError, reason) for status, reason in LATER.items()),
    *(
        (status, effect, UnconfirmedError, Reason.OUTCOME_UNKNOWN)
        for status in LATER
        for effect in WRITES
    ),
]


@pytest.mark.parametrize(("status", "effect", "kind", "reason"), STATUSES)
def test_a_status_has_one_meaning(
    status: int, effect: Effect, kind: type[RegisterError], reason: Reason
) -> None:
    error = refusal(answer(status, {"detail": "no"}, effect))
    assert (type(error), error.reason) == (kind, reason)
    assert "a.example" in error.what


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("RESOURCE_ALREADY_EXISTS", RejectedError, Reason.CONFLICT),
        ("RESOURCE_DOES_NOT_EXIST", RejectedError, Reason.NOT_FOUND),
        ("FEATURE_DISABLED", RejectedError, Reason.INVALID),  # with 500, from MLflow
        ("RESOURCE_NOT_FOUND", NotTheServiceError, Reason.NOT_FOUND),  # the gateway's own word
        (404, NotTheServiceError, Reason.NOT_FOUND),
        (None, NotTheServiceError, Reason.NOT_FOUND),
    ],
)
def test_what_mlflow_calls_it_counts_before_the_status(
    code: object, kind: type[RegisterError], reason: Reason
) -> None:
    error = refusal(answer(404, {"error_code": code, "message": "x"}))
    assert (type(error), error.reason) == (kind, reason)


@pytest.mark.parametrize("effect", Effect)
def test_a_server_that_is_busy_calls_it_a_bad_request(effect: Effect) -> None:
    said = {"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 reached"}
    kind = UnavailableError if effect is READ else UnconfirmedError
    assert type(refusal(answer(400, said, effect))) is kind
    assert type(refusal(answer(400, {**said, "message": "no"}, effect))) is RejectedError


def test_a_name_that_the_server_does_not_go_by_is_no_matter_of_credentials() -> None:
    body = b"Invalid Host header - possible DNS rebinding attack detected"
    for kind in ("text/plain", "text/html; charset=utf-8"):
        error = refusal(Answer("a.example", READ, 403, {"content-type": kind}, body))
        assert (type(error), error.reason) == (NotTheServiceError, Reason.PROTOCOL)
        assert "--allowed-hosts" in error.fix


# Every shape of error body that the service, MLflow and what stands before them send.
SHAPES: list[tuple[object, str]] = [
    ({"detail": "Invalid or expired API key"}, "Invalid or expired API key"),
    (
        {"detail": "Admin access required", "error": "REGISTRY_ADMIN_REQUIRED"},
        "Admin access required",
    ),
    (
        {"detail": {"error": "ARTIFACTS_DISABLED", "message": "Storage is not configured."}},
        "Storage is not configured.",
    ),
    ({"detail": {"error": "ARTIFACTS_DISABLED"}}, "ARTIFACTS_DISABLED"),
    (
        {
            "detail": [
                {"loc": ["body", "metrics", 0], "msg": "field required", "input": "SECRET"},
                {"loc": ["body"], "msg": "not a mapping", "type": "x"},
            ]
        },
        "body.metrics.0: field required; body: not a mapping",
    ),
    ({"detail": [{"msg": "alone"}]}, ": alone"),
    ({"error": "Rate limit exceeded: 30 per 1 minute"}, "Rate limit exceeded: 30 per 1 minute"),
    ({"error": "Low balance", "reason": "x", "reason_code": "y"}, "Low balance"),
    ({"error_code": "BAD_REQUEST", "message": "Missing value for 'name'"}, "Missing value for"),
    ({"error": {"code": "c", "message": "as documented"}}, "as documented"),
    ({"message": ""}, "no explanation"),
    ({"detail": None}, "no explanation"),
    ({}, "no explanation"),
    ({"detail": 7}, "7"),
    ([], "2 bytes of application/json"),
    (b"<html>Not Found</html>", "22 bytes of application/json"),
    (b"", "an empty body"),
    (b" \n", "an empty body"),
    (b"\xef\xbb\xbf" + b'{"detail": "behind a BOM"}', "behind a BOM"),
    (b"[" * 100_000, "100,000 bytes of application/json"),
    (b'{"detail": ' + b"[" * 800 + b"]" * 800 + b"}", "no explanation"),
    (b'{"detail": [{"msg": ' + b"[" * 700 + b"]" * 700 + b"}]}", ": "),
    (b'{"detail": [{"loc": [' + b"[" * 700 + b"]" * 700 + b'], "msg": "m"}]}', ": m"),
    (b'{"message":' * 700 + b"1" + b"}" * 700, "no explanation"),
    (b"1" * 5000, "5,000 bytes of application/json"),
]


@pytest.mark.parametrize(("body", "said"), SHAPES)
def test_the_servers_own_words_are_found(body: object, said: str) -> None:
    message = answer(422, body).message()
    assert message.startswith(said)
    assert "SECRET" not in message
    assert f"HTTP 422: {said}" in refusal(answer(422, body)).why


def test_a_long_message_is_cut() -> None:
    assert len(answer(400, {"detail": "x" * 10_000}).message()) == QUOTE


def test_a_body_without_a_type_says_so() -> None:
    assert answer(502, b"oops", headers={}).message() == "4 bytes of no content type"


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/plain; charset=utf-8", b"Permission\n denied \xff", "Permission denied \ufffd"),
        ("text/plain", b" \n", "an empty body"),
        ("text/html", b"Permission denied", "Permission denied"),
        ("text/plain", b"x" * 10_000, "x" * QUOTE),
        (
            "text/html",
            b"<html><head><title>400 No required\nSSL &amp; TLS</title><body>...",
            "a page titled '400 No required SSL & TLS'",
        ),
        ("text/html", b"<html>no title", "14 bytes of text/html"),
        ("text/html", b"<title>" + b"t" * 10_000 + b"</title>", ("a page titled '" + "t" * QUOTE)),
    ],
    ids=[
        "text",
        "no text",
        "no page",
        "long text",
        "page",
        "page without a title",
        "page with a long title",
    ],
)
def test_text_and_pages_have_words_too(kind: str, body: bytes, said: str) -> None:
    assert answer(403, body, headers={"content-type": kind}).message() == said[:QUOTE]


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        ({}, "HTTP 401: no; the login was the Hokusai key"),
        ({"www-authenticate": 'Basic realm="mlflow"'}, ", and it asks for a Basic login"),
        ({"www-authenticate": "x" * 100}, f", and it asks for a {'x' * 40} login"),
        ({"www-authenticate": " "}, "the login was the Hokusai key"),
    ],
    ids=["no challenge", "Basic", "long", "blank"],
)
def test_a_refused_login_is_named(challenge: dict[str, str], said: str) -> None:
    body = b'{"message": "no"}'
    refused = Answer("a.example", READ, 401, JSON | challenge, body, "the Hokusai key")
    assert refusal(refused).why.endswith(said)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["detail", "message", "error", "msg", "loc", "error_code"]), inner
        )
    ),
)


@given(
    body=json_values.map(json.dumps).map(str.encode) | st.binary(),
    status=st.integers(300, 999),
    effect=st.sampled_from(Effect),
    location=st.text() | st.sampled_from(["http://[", "//b.example", "https://u:p@b.example/x"]),
)
def test_no_answer_is_a_bug_of_ours(
    body: bytes, status: int, effect: Effect, location: str
) -> None:
    error = refusal(answer(status, body, effect, {"location": location}))
    assert isinstance(error, RegisterError)
    assert error.why
    assert len(error.why) < 500 + len(location)


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("https://b.example/login?next=x", "https://b.example;"),
        ("https://user:PASSWORD@b.example/", "https://b.example;"),
        ("//b.example/x", "//b.example;"),
        ("/login", "another path of the same host"),
        ("", "another path of the same host"),
        ("http://[", "what is no address"),
    ],
)
def test_a_redirect_is_not_followed_and_says_where_to(location: str, where: str) -> None:
    error = refusal(answer(302, headers={"location": location}))
    assert where in error.why
    assert "PASSWORD" not in str(error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"x"', b"{", b"\xff"])
@pytest.mark.parametrize("effect", Effect)
def test_a_good_status_without_an_object_makes_no_sense(body: bytes, effect: Effect) -> None:
    with pytest.raises(RegisterError) as caught:
        answer(200, body, effect).json_object()
    kind: Any = NotTheServiceError if effect is READ else UnconfirmedError
    assert type(caught.value) is kind
    assert caught.value.reason is (Reason.PROTOCOL if effect is READ else Reason.OUTCOME_UNKNOWN)


def test_an_object_is_taken_whatever_its_content_type() -> None:
    assert answer(201, b'{"a": 1}', headers={"content-type": "text/html"}).json_object() == {"a": 1}
    assert answer(204).ok
    assert not answer(199).ok


def test_a_refusal_is_raised_where_an_object_was_expected() -> None:
    with pytest.raises(AuthError):
        answer(401, {"a": 1}).json_object()


@pytest.mark.parametrize("effect", WRITES)
def test_a_senseless_answer_to_a_write_is_a_doubt(effect: Effect) -> None:
    assert isinstance(senseless(answer(200, effect=effect), "x"), UnconfirmedError)

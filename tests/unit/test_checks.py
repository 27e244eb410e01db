"""What one input may look like: what is taken, what is refused, and that the refusal helps."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_register import checks

TAKEN: list[tuple[Callable[[str], object], str, object]] = [
    *((checks.boolean, text, True) for text in ("true", "TRUE", "True", "1", "yes", "on", "On")),
    *((checks.boolean, text, False) for text in ("false", "FALSE", "0", "no", "off")),
    (checks.one_of(("none", "api")), "api", "api"),
    *((checks.model_name, name, name) for name in ("churn", "Tür 7", "模型", "a.b", "x" * 256)),
    (checks.experiment_name, "/Shared/churn: 2024", "/Shared/churn: 2024"),
    *((checks.version_label, text, text) for text in ("v1.0.0", "1", "2024-01_a+b", "1" * 128)),
    *((checks.run_id, text, text) for text in ("0" * 32, "a_b-C9")),
    *(
        (checks.model_uri, text, text)
        for text in (
            *("runs:/0a1b/model", "runs:/0a1b/deep/model.v2", "runs:/0a1b/my model"),
            *("models:/churn/12", "models:/größe v 2/1", "models:/churn@champion"),
            f"models:/m-{'0a' * 16}",
        )
    ),
    *((checks.alias, text, text) for text in ("champion", "v1a", "latest-2", "a" * 255)),
    *((checks.kind, text, text) for text in (*checks.KINDS, "catboost", "spacy", "h2o", "prophet")),
    *((checks.seconds, text, float(text)) for text in ("1", "0.5", "600", "86400", "86400.0")),
    (checks.free_text(5), "a\n\tb", "a\n\tb"),
    (checks.url, "https://registry.hokus.ai/api/", "https://registry.hokus.ai/api"),
    (checks.url, "HTTPS://Registry.Hokus.AI:8443/API", "https://registry.hokus.ai:8443/API"),
    (checks.url, "http://[::1]:5000", "http://[::1]:5000"),
    (checks.url, "http://my_host.internal.:5000//", "http://my_host.internal.:5000"),
]

# check, text, what the refusal says
REFUSED: list[tuple[Callable[[str], object], str, str]] = [
    *((checks.boolean, text, "neither") for text in ("maybe", "ja", "2", "truee", "nonsense")),
    (checks.one_of(("none", "api")), "local", "not one of none, api"),
    (checks.one_of(("none", "api")), "API", "did you mean 'api'?"),
    *((checks.model_name, f"a{char}b", "does not take") for char in "/:\\"),
    (checks.model_name, "a..b", "does not take"),
    (checks.model_name, "x" * 257, "257 characters, and at most 256"),
    *((checks.model_name, f"a{char}b", "cannot be seen") for char in "\n\t\0\x7f\u202e\u200b"),
    (checks.experiment_name, "a\\b", "does not take"),
    *((checks.version_label, text, "does not fit") for text in ("1 0", "-1", "v1/2", "ü", "1\n")),
    (checks.version_label, "1" * 129, "at most 128"),
    *((checks.run_id, text, "does not fit") for text in ("a/b", "../x", "a b", "run\n")),
    *(
        (checks.model_uri, text, "runs:/RUN/PATH, models:/NAME/VERSION")
        for text in (
            *("runs:/abc", "runs:/abc/", "runs:/abc/../x", "runs://abc/x", "runs:/a b/x"),
            *("models:/churn", "models:/churn/0", "models:/churn/latest", "models:/a/b@c"),
            *("models:/churn@", "models:/m-XYZ", "runs:/abc/x\u200b"),
            *("models:/churn/1?x", "s3://bucket/x", "file:///etc/passwd", "churn"),
        )
    ),
    (checks.model_uri, "models:/a:b/1", "does not take"),
    (checks.model_uri, "models:/churn@latest", "reserved"),
    *((checks.alias, text, "reserved") for text in ("latest", "LATEST", "v1", "V23")),
    *((checks.alias, text, "does not fit") for text in ("a b", "a/b", "ü")),
    (checks.kind, "sklern", "did you mean 'sklearn'?"),
    (checks.kind, "SkLearn", "did you mean 'sklearn'?"),
    (checks.kind, "torch", "did you mean 'pytorch'?"),
    (checks.kind, "scikit-learn", "did you mean 'sklearn'?"),
    (checks.kind, "my kind", "does not fit"),
    *(
        (checks.seconds, text, "not a number of seconds")
        for text in ("0", "0.0", "-1", "86401", "1e3", "ten", "10 s", "nan", "inf", "\u0661")
    ),
    (checks.free_text(5), "123456", "at most 5"),
    (checks.free_text(5), "a\0b", "NUL"),
    *(
        (checks.url, text, "not an http or https URL")
        for text in (
            *("registry.hokus.ai", "ftp://a", "https://", "https:///api", "https://:80", "http:/a"),
            *("https://a:0", "https://a:70000", "https://a:b", "http://[::1", "http://[zz]"),
            *("sqlite:///mlflow.db", "./mlruns", "https://a..b", "https://ü.example"),
            *("https://℀", "https://-a", f"https://{'a' * 64}.b", "https://a|b"),
        )
    ),
    *(
        (checks.url, text, "cannot have")
        for text in ("https://a/b c", "https://a/\u202e", "https://a/\\b", "https://a/\nb")
    ),
]


@pytest.mark.parametrize(("check", "text", "value"), TAKEN)
def test_what_is_right_is_taken(check: Callable[[str], object], text: str, value: object) -> None:
    assert check(text) == value


@pytest.mark.parametrize(("check", "text", "why"), REFUSED)
def test_what_is_wrong_is_refused_with_a_reason(
    check: Callable[[str], object], text: str, why: str
) -> None:
    with pytest.raises(ValueError, match=r"(?s).") as caught:
        check(text)
    assert why in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "https://user:PASSWORD@registry.hokus.ai",
        "https://PASSWORD@registry.hokus.ai",
        "https:user:PASSWORD@registry.hokus.ai",
        "user:PASSWORD@registry.hokus.ai/api",
        "https://registry.hokus.ai/?token=PASSWORD",
        "https://registry.hokus.ai/#PASSWORD",
        "registry.hokus.ai?PASSWORD",
    ],
)
def test_a_url_that_may_hold_a_password_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"user name|query") as caught:
        checks.url(text)
    assert "PASSWORD" not in str(caught.value)


@given(
    st.text("aA0.-_:/[]@%\\ :1é℀\u0300", max_size=30).map("http://".__add__)
    | st.from_regex(r"(?i)https?://[^/]{1,80}(:\d{1,6})?(/.*)?", fullmatch=True)
)
def test_a_url_that_is_taken_can_be_asked(text: str) -> None:
    try:
        url = checks.url(text)
    except ValueError:
        return
    assert url == checks.url(url)
    host = httpx.URL(url).host
    host.encode("idna")  # as sockets do, outside of what an HTTP client catches
    assert url.startswith((f"http://{urlsplit(url).netloc}", f"https://{urlsplit(url).netloc}"))


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:5000", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9:1", True),
        ("http://[::1]:5000/api", True),
        ("http://0.0.0.0", False),
        ("http://192.168.0.1", False),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://mylocalhost", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, here: bool) -> None:
    assert checks.is_loopback(url) is here


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("modle-path", "; did you mean 'model-path'?"),
        ("MODEL-PATH", "; did you mean 'model-path'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_a_near_miss_gets_a_hint(word: str, hint: str) -> None:
    assert checks.near(word, ("model-path", "metrics")) == hint


def test_no_socket_is_opened_here() -> None:
    with pytest.raises(Exception, match="socket"):
        socket.socket(socket.AF_INET)

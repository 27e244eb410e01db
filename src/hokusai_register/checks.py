"""What one input may look like: a check returns its value, or says in a ValueError why not."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from hokusai_register.text import visible

KINDS = (
    "sklearn",
    "xgboost",
    "lightgbm",
    "pytorch",
    "onnx",
    "tensorflow",
    "keras",
    "transformers",
    "safetensors",
    "gguf",
    "pyfunc",
    "custom",
)
_TRUE = frozenset({"1", "yes", "on", "true"})
_FALSE = frozenset({"0", "no", "off", "false"})


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` if one of the `known` words is close, else nothing."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def boolean(text: str) -> bool:
    """Return what a strict boolean says; nothing is true just because it is there."""
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError(f"{text!a} is neither true nor false")


def one_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return a check that takes only the `known` words."""
    words = tuple(known)

    def check(text: str) -> str:
        if text in words:
            return text
        raise ValueError(f"{text!a} is not one of {', '.join(words)}{near(text, words)}")

    return check


def matching(pattern: str, rule: str, longest: int) -> Callable[[str], str]:
    """Return a check that takes text of at most `longest` characters that fits `pattern` wholly."""
    expression = re.compile(pattern)

    def check(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"it has {len(text):,} characters, and at most {longest:,} are kept")
        if not expression.fullmatch(text):
            raise ValueError(f"{text[:80]!a} does not fit: {rule}")
        return text

    return check


def name(longest: int, refused: str) -> Callable[[str], str]:
    """Return a check for a name: visible characters without those in `refused`, and no `..`."""

    def check(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"it has {len(text):,} characters, and at most {longest:,} are kept")
        wrong = [char for char in refused if char in text] + [".."] * (".." in text)
        if wrong:
            raise ValueError(f"{text[:80]!a} holds {wrong[0]!r}, which a registry does not take")
        if visible(text) != text:
            raise ValueError(f"{text[:80]!a} holds characters that cannot be seen")
        return text

    return check


def free_text(longest: int) -> Callable[[str], str]:
    """Return a check for text of any kind that a server would otherwise cut without a word."""

    def check(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"it has {len(text):,} characters, and at most {longest:,} are kept")
        if "\0" in text:
            raise ValueError("it holds a NUL character")
        return text

    return check


model_name = name(256, "/:\\")
experiment_name = name(500, "\\")
version_label = matching(
    r"[A-Za-z0-9][A-Za-z0-9._+-]*", "letters, digits and . _ + - are taken", 128
)
run_id = matching(r"[A-Za-z0-9_-]+", "an MLflow run id has letters, digits, _ and -", 64)
model_uri = matching(
    r"runs:/[A-Za-z0-9_-]+/(?!.*\.\.)[^\s?#%\\]+|models:/[^/:\s?#%\\]+/[1-9][0-9]*",
    "it must be runs:/RUN/PATH or models:/NAME/VERSION",
    1000,
)
token_id = matching(
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?",
    "a token has letters and digits, with hyphens inside, at most 64",
    64,
)


def alias(text: str) -> str:
    """Return an alias that all registries take: MLflow keeps `latest` and `v1` for itself."""
    text = matching(r"[A-Za-z0-9_-]+", "letters, digits, _ and - are taken", 255)(text)
    if text.lower() == "latest" or re.fullmatch(r"[vV][0-9]+", text):
        raise ValueError(f"{text!a} is reserved by the registry")
    return text


def kind(text: str) -> str:
    """Return a model type: one that is known, or a word of the user's own that is near to none."""
    if text in KINDS:
        return text
    if hint := near(text, KINDS):
        raise ValueError(f"{text!a} is not known{hint}")
    return matching(r"[a-z0-9][a-z0-9_.-]*", "lower-case letters, digits and _ . - are taken", 64)(
        text
    )


def seconds(text: str) -> float:
    """Return a time limit: more than 0 and at most a day."""
    if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text) and 0 < float(text) <= 86_400:  # noqa: PLR2004
        return float(text)
    raise ValueError(f"{text!a} is not a number of seconds up to 86400")


def url(text: str) -> str:
    """Return an http(s) URL without its last slash, and without a login, a query or a fragment."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("it is not a URL") from None
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or a password: give them as secrets instead")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{text[:200]!a} is not an http or https URL with a host")
    if parts.query or parts.fragment or visible(text) != text or " " in text:
        raise ValueError(f"{text[:200]!a} has parts that a base URL cannot have")
    return text.rstrip("/")


def is_loopback(address: str) -> bool:
    """Whether a URL leads to this very machine, so that plain http shows the key to nobody."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

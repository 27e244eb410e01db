"""What one input may look like: a check returns its value, or says in a ValueError why not."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from hokusai_register.fields import PLUGIN_SCHEME
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
# A host as sockets take it: a name in ASCII (IDNA writes others as `xn--…`) or an address.
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?|[0-9a-f.]*:[0-9a-f:.]*")


def near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `; did you mean …?` if one of the `known` words is close, else nothing."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{found[0]}'?" if found else ""


def boolean(text: str) -> bool:
    """Return what a strict boolean says; nothing is true just because it is there."""
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError(f"{text[:80]!a} is neither true nor false")


def one_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return a check that takes only the `known` words."""
    words = tuple(known)

    def check(text: str) -> str:
        if text in words:
            return text
        raise ValueError(f"{text[:80]!a} is not one of {', '.join(words)}{near(text, words)}")

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

workspace = matching(  # MLflow's own rule
    r"[a-z0-9][a-z0-9-]*[a-z0-9]",
    "a workspace has lower-case letters and digits, and hyphens between them",
    63,
)


def alias(text: str) -> str:
    """Return an alias that all registries take: MLflow keeps `latest` and `v1` for itself."""
    text = matching(r"[A-Za-z0-9_-]+", "letters, digits, _ and - are taken", 255)(text)
    if text.lower() == "latest" or re.fullmatch(r"[vV][0-9]+", text):
        raise ValueError(f"{text!a} is reserved by the registry")
    return text


def model_uri(text: str) -> str:
    """Return the URI of what a run logged, of a version, or of a logged model of MLflow 3."""
    form = r"runs:/[A-Za-z0-9_-]+/[^?#%\\]+|models:/(?:m-[0-9a-f]+|([^/@]+)(?:/[1-9][0-9]*|@(.+)))"
    found = re.fullmatch(form, text)
    if not found or ".." in text or visible(text) != text:
        raise ValueError(
            f"{text[:80]!a} does not fit: it must be runs:/RUN/PATH, models:/NAME/VERSION, "
            "models:/NAME@ALIAS, or models:/ID of a logged model"
        )
    for part, check in zip(found.groups(), (model_name, alias), strict=True):
        if part:
            check(part)
    return text


def kind(text: str) -> str:
    """Return a model type: one that is known, or a word of the user's own that is near to none."""
    if text in KINDS:
        return text
    if hint := near(text, KINDS, cutoff=0.7):  # catboost is no misspelt xgboost
        raise ValueError(f"{text!a} is not known{hint}")
    return matching(r"[a-z0-9][a-z0-9_.-]*", "lower-case letters, digits and _ . - are taken", 64)(
        text
    )


def seconds(text: str) -> float:
    """Return a time limit: more than 0 and at most a day."""
    if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text) and 0 < float(text) <= 86_400:  # noqa: PLR2004
        return float(text)
    raise ValueError(f"{text[:80]!a} is not a number of seconds up to 86400")


def url(text: str) -> str:
    """Return an http(s) URL without its last slash, and without a login, a query or a fragment.

    What is refused is not shown where it may hold a password or a token.
    """
    if "@" in text:
        raise ValueError("it holds a user name or a password: give them as secrets instead")
    if "?" in text or "#" in text:
        raise ValueError("it has a query or a fragment, and a base URL ends before those")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(f"{text[:200]!a} is not an http or https URL with a plain host")
    if visible(text) != text or " " in text or "\\" in text:
        raise ValueError(f"{text[:200]!a} has characters that a URL cannot have")
    # In lower case, since everything behind this door compares schemes and hosts as they are.
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}".rstrip("/")


def password(address: str) -> str:
    """Return the password that stands in an address, such as that of a proxy; blank if none."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
    except ValueError:
        return ""
    return unquote(parts.password or "")


def tracking_uri(text: str) -> str:
    """Return the URL of a server, or the URI or the path of a local store.

    A job that trains through the plugin has its scheme before the address.
    """
    return text if is_local_store(text) else url(text.removeprefix(PLUGIN_SCHEME))


def is_local_store(text: str) -> bool:
    """Whether a tracking URI names a place on this machine: sqlite:, file:, or a path.

    A path says so by its first character: an address without its `https://` is none.
    """
    return text.startswith(("sqlite:", "file:", "/", "./", "../"))


def in_the_clear(url: str) -> str:
    """Return why no key may go to this URL; blank if plain http does not show it to others."""
    if not url.startswith("http://") or is_loopback(url):
        return ""
    return f"the key would go to {urlsplit(url).netloc} in the clear: use https"


def is_loopback(address: str) -> bool:
    """Whether a URL leads to this very machine, so that plain http shows the key to nobody."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The sections of the inputs: the model, the addresses, how far to fall back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hokusai_register import announcing, artifact, checks, mappings, policy
from hokusai_register.access import Credentials, remarks
from hokusai_register.artifact import Roots
from hokusai_register.errors import KeyMissingError, Reason
from hokusai_register.fields import (
    DEFAULT_API_URL,
    DEFAULT_TRACKING_URI,
    DIRECT_TRACKING_URI,
    PLUGIN_SCHEME,
)
from hokusai_register.model import Model, Skipped
from hokusai_register.paths import of_url
from hokusai_register.policy import POLICIES, REAL, Fallback, Step
from hokusai_register.reader import Reader

PARAM_LIMIT = 6_000  # characters; MLflow servers cut longer ones without a word
TAG_LIMIT = 5_000
RUN_LIMIT = 1_000_000  # bytes of a run that can be read back: answers are cut at 1 MiB
ENTRY_SIZE = 130  # bytes that MLflow writes around one name and value of it
DATABASE = "mlflow.db"
LOCAL_SERVER = "http://localhost:5001"

# What a bundle says of its model already.
_OF_THE_MODEL = (
    "model-name",
    "model-type",
    "version",
    "metrics",
    "metrics-file",
    "params",
    "tags",
    "metadata",
    "description",
    "alias",
    "experiment",
    "run-id",
    *announcing.INPUTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore:
    """Where a local registration is kept: a database with its neighbours, before it a server."""

    database: Path
    workspace: Path
    server: str


def describe(reader: Reader) -> Model:
    """Return what the user says of the model; its files are still to be read."""
    if not reader.text("model-name"):
        reader.problem("model-name", "it is missing")
    name = reader.get("model-name", checks.model_name, "")
    text = partial(reader.get, otherwise="")
    nothing: dict[str, str] = {}
    no_metadata: dict[str, object] = {}
    metrics = reader.metrics()
    params = reader.get(
        "params", partial(mappings.strings, what="params", longest=PARAM_LIMIT), nothing
    )
    tags = reader.get("tags", partial(mappings.strings, what="tags", longest=TAG_LIMIT), nothing)
    _check_size(reader, metrics, params, tags)
    return Model(
        name=name,
        source="",
        kind=text("model-type", checks.kind),
        version=text("version", checks.version_label),
        metrics=metrics,
        params=params,
        tags=tags,
        metadata=reader.get("metadata", mappings.document, no_metadata),
        description=text("description", checks.free_text(TAG_LIMIT)),
        alias=text("alias", checks.alias),
        experiment=text("experiment", checks.experiment_name) or name,
        run_id=text("run-id", checks.run_id),
        token=announcing.token(reader),
    )


def _check_size(reader: Reader, *parts: Mapping[str, object]) -> None:
    """Refuse more than could be read back, while nothing is written yet."""
    entries = [entry for part in parts for entry in part.items()]
    size = sum(ENTRY_SIZE + len(json.dumps(entry)) for entry in entries)
    if size > RUN_LIMIT:
        why = f"with params and tags they would take {size:,} bytes in the registry's answers"
        reader.problem("metrics", f"{why}, of which {RUN_LIMIT:,} can be read back: give fewer")


def leave_to_bundle(reader: Reader) -> None:
    """Refuse what a bundle says itself: two answers to one question are one too many."""
    for name in _OF_THE_MODEL:
        if reader.text(name):
            reader.problem(name, "`model-path` is a bundle, which says that already")


def source(reader: Reader) -> tuple[Path | None, str]:
    """Return the model's path, or the URI of what is logged already: exactly one of them."""
    given = [name for name in ("model-path", "model-uri") if reader.text(name)]
    if len(given) != 1:
        found = "both are given" if given else "neither is given"
        reader.problem("model-path", f"one of model-path and model-uri is needed, and {found}")
    if reader.text("model-uri") and reader.text("run-id"):
        reader.problem("run-id", "`model-uri` says already which run the model belongs to")
    return reader.path("model-path"), reader.get("model-uri", checks.model_uri, "")


def addresses(reader: Reader) -> tuple[str, str]:
    """Return the tracking URI and the API's origin; each one says where the other is, if alone.

    A key of a staging service must not reach production because only one address was changed.
    """
    tracking_uri = reader.get("tracking-uri", checks.tracking_uri, "")
    api_url = reader.get("api-url", checks.url, "").removesuffix("/api")
    if not tracking_uri:
        tracking_uri = f"{api_url}/api/mlflow" if api_url else DEFAULT_TRACKING_URI
    if not api_url and tracking_uri.endswith("/api/mlflow"):
        api_url = tracking_uri.removesuffix("/api/mlflow")
    if not api_url and tracking_uri == DIRECT_TRACKING_URI:
        api_url = DEFAULT_API_URL.removesuffix("/api")
    allowed = reader.boolean("allow-insecure-http")
    for name, url in (("tracking-uri", tracking_uri), ("api-url", api_url)):
        why = checks.in_the_clear(url)
        if why and not allowed and reader.text(name):  # one that is derived is told of once
            reader.problem(reader.source(name), why)
    return tracking_uri, api_url


def refuse_registry(reader: Reader, tracking_uri: str) -> None:
    """Refuse a model registry elsewhere than the tracking server: versions are made by their runs.

    MLflow's own client would make them there.
    """

    def same(text: str) -> None:
        if text.removeprefix(PLUGIN_SCHEME).rstrip("/") != tracking_uri.rstrip("/"):
            raise ValueError(
                f"it names another registry than {tracking_uri}, where this step registers: leave "
                "it blank for this step"
            )

    reader.setting("MLFLOW_REGISTRY_URI", same, None)


def origin(tracking_uri: str) -> str:
    """Return the registry's origin, as it enters the idempotency key."""
    parts = urlsplit(tracking_uri)
    return f"{parts.scheme}://{parts.netloc}"


def steps(reader: Reader, tracking_uri: str) -> tuple[Step, ...]:
    """Return what is to be tried, in which order."""
    registered = reader.boolean("require-registered")
    if reader.flag("HOKUSAI_MOCK_MODE"):
        for name, wanted in (
            ("require-registered", registered),
            ("tracking-uri", reader.given("tracking-uri")),
        ):
            if wanted:
                reader.problem(name, "HOKUSAI_MOCK_MODE asks for the opposite: decide for one")
        return policy.ONLY_MOCK
    if checks.is_local_store(tracking_uri):
        if registered:
            reader.problem("require-registered", "`tracking-uri` names a local store")
        if reader.text("model-uri"):
            why = (
                "`tracking-uri` names a local store, which takes files only: give those in "
                "`model-path`, or let `mlflow server` serve that store, and name its address"
            )
            reader.problem("model-uri", why)
        return policy.ONLY_LOCAL
    chosen = POLICIES[_fallback(reader)]
    return tuple(step for step in chosen if step.backend in REAL or not registered)


def _fallback(reader: Reader) -> Fallback:
    """Return how far to go: the input, or what HOKUSAI_OPTIONAL_MLFLOW means by being true."""
    optional = reader.flag("HOKUSAI_OPTIONAL_MLFLOW")
    if not reader.given("fallback"):
        return Fallback.MOCK if optional else Fallback.API
    return Fallback(reader.get("fallback", checks.one_of(Fallback), "none"))


def local(
    reader: Reader, tracking_uri: str, environ: Mapping[str, str], roots: Roots
) -> LocalStore:
    """Return where a local registration is kept."""
    database = (reader.target("local-store") or roots.workspace) / DATABASE
    if checks.is_local_store(tracking_uri):
        database = reader.get("tracking-uri", partial(_named, roots), database)
    server = environ.get("HOKUSAI_LOCAL_MLFLOW_URI", "").strip() or LOCAL_SERVER
    try:
        server = checks.url(server)
    except ValueError as error:
        reader.problem("HOKUSAI_LOCAL_MLFLOW_URI", str(error))
    return LocalStore(database=database, workspace=roots.workspace, server=server)


def _named(roots: Roots, tracking_uri: str) -> Path:
    """Return the database that a local tracking URI means."""
    path, is_database = tracking_uri, tracking_uri.startswith("sqlite:")
    # sqlite:///a is relative, sqlite:////a and file:///a are absolute (SQLAlchemy, RFC 8089).
    if is_database:
        path = unquote(path.removeprefix("sqlite:").removeprefix("///"))
    elif path.startswith("file:"):
        path = of_url(path.removeprefix("file:").removeprefix("//"))
    target = artifact.writable(path, roots, what="tracking-uri")
    return target if is_database else target / DATABASE


def locked(reader: Reader, found: Credentials, stranger: str) -> KeyMissingError | None:
    """Return why nobody can be asked: there is no login at all, not even a malformed one."""
    if found or reader.text("api-key"):
        return None
    return _no_key(stranger, "; ".join(["", *remarks(found)]))


def _no_key(stranger: str, besides: str) -> KeyMissingError:
    why = f"`api-key` and HOKUSAI_API_KEY are blank{besides}"
    if stranger:
        return KeyMissingError(
            "there is no key",
            why=f"{why}: GitHub gives no secrets to {stranger}",
            fix="set `on-missing-key: skip` for such events, and register after the merge",
        )
    return KeyMissingError(
        "there is no key",
        why=f"{why}: the secret is not set, or not passed on",
        fix="store the key as a secret, and pass api-key: ${{ secrets.HOKUSAI_API_KEY }}",
    )


def skip(reader: Reader, locked: KeyMissingError | None, stranger: str) -> Skipped | None:
    """Return why nothing need be registered: the policy allows it, for who gets no secrets."""
    mode = reader.get("on-missing-key", checks.one_of(("fail", "skip")), "fail")
    if mode != "skip" or not locked or not stranger:
        return None
    return Skipped(Reason.KEY_MISSING, (f"GitHub gives no secrets to {stranger}",))

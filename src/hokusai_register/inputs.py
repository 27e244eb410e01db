"""What the user asked for, parsed once: raw strings become one frozen `Inputs` or one complaint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hokusai_register import artifact, checks, mappings
from hokusai_register.artifact import Roots
from hokusai_register.errors import AuthError, Reason
from hokusai_register.fields import DEFAULT_TRACKING_URI
from hokusai_register.model import Artifact, Backend, Model, Secret
from hokusai_register.policy import POLICIES, Fallback, Step
from hokusai_register.provenance import provenance
from hokusai_register.reader import Reader

PARAM_LIMIT = 6_000  # characters; MLflow servers cut longer ones without a word
TAG_LIMIT = 5_000
NAMED = 10  # files that were left out; there may be thousands
SHORTEST_KEY = 8  # characters; a shorter one is a word that may stand in any log

# What is read and checked, and cannot be done yet: asking for it is refused, not ignored.
_NOT_YET = ("token-id", "metric-name", "baseline-value")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The PEM files of the inputs. `verify` is off in development only."""

    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to log in: the key for both services, or what the MLflow server wants instead of it."""

    key: Secret
    token: Secret
    user: str
    password: Secret

    def __bool__(self) -> bool:
        return bool(self.key or self.token or (self.user and self.password))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the user asked for, checked; nothing downstream reads the environment.

    `api_url` is the origin of the Hokusai API, blank if it is not to be asked; `timeout` is in
    seconds.
    """

    model: Model
    policy: tuple[Step, ...]
    credentials: Credentials
    tracking_uri: str
    api_url: str
    tls: TlsFiles
    timeout: float
    remarks: tuple[str, ...]


def parse(raw: Mapping[str, str], environ: Mapping[str, str], roots: Roots) -> Inputs:
    """Check everything, then complain once about all of it; the model's bytes are read last."""
    reader = Reader(raw, environ, roots)
    reader.refuse_unknown()
    _refuse_unfinished(reader)
    model = _model(reader)
    path, uri = _source(reader)
    reader.target("result-file")
    fallback = Fallback(reader.get("fallback", checks.one_of(Fallback), "none"))
    timeout = reader.get("timeout", checks.seconds, 0.0)
    tracking_uri, api_url = _addresses(reader)
    tls = _tls(reader, (tracking_uri, api_url))
    credentials = _credentials(reader)
    reader.complain()

    files = artifact.read(reader.text("model-path"), roots) if path else None
    api = bool(credentials.key and api_url and files)
    return Inputs(
        model=replace(
            model,
            source=files or uri,
            kind=model.kind or (files.kind if files else "custom"),
            origin="{0.scheme}://{0.netloc}".format(urlsplit(tracking_uri)),
            provenance=provenance(environ),
        ),
        policy=tuple(s for s in POLICIES[fallback] if api or s.backend is not Backend.API),
        credentials=credentials,
        tracking_uri=tracking_uri,
        api_url=api_url if api else "",
        tls=tls,
        timeout=timeout,
        remarks=tuple(_remarks(reader, credentials, tls, files)),
    )


def secrets(raw: Mapping[str, str], environ: Mapping[str, str]) -> list[Secret]:
    """Return every credential that was handed in: they are masked before anything is checked."""
    values = [
        raw.get("api-key", ""),
        *(environ.get(name, "") for name in ("HOKUSAI_API_KEY", *_MLFLOW_SECRETS)),
    ]
    return [Secret(text.strip()) for text in values if text.strip()]


_MLFLOW_SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")


def _model(reader: Reader) -> Model:
    """Return what the user says of the model; its files are still to be read."""
    if not reader.text("model-name"):
        reader.problem("model-name", "it is missing")
    name = reader.get("model-name", checks.model_name, "")
    text = partial(reader.get, otherwise="")
    nothing: dict[str, str] = {}
    no_metadata: dict[str, object] = {}
    params = partial(mappings.strings, what="params", longest=PARAM_LIMIT)
    tags = partial(mappings.strings, what="tags", longest=TAG_LIMIT)
    return Model(
        name=name,
        source="",
        kind=text("model-type", checks.kind),
        version=text("version", checks.version_label),
        metrics=reader.metrics(),
        params=reader.get("params", params, nothing),
        tags=reader.get("tags", tags, nothing),
        metadata=reader.get("metadata", mappings.document, no_metadata),
        description=text("description", checks.free_text(TAG_LIMIT)),
        alias=text("alias", checks.alias),
        experiment=text("experiment", checks.experiment_name) or name,
        run_id=text("run-id", checks.run_id),
    )


def _source(reader: Reader) -> tuple[Path | None, str]:
    """Return the model's path, or the URI of what is logged already: exactly one of them."""
    given = [name for name in ("model-path", "model-uri") if reader.text(name)]
    if len(given) != 1:
        found = "both are given" if given else "neither is given"
        reader.problem("model-path", f"one of model-path and model-uri is needed, and {found}")
    if reader.text("model-uri") and reader.text("run-id"):
        reader.problem("run-id", "`model-uri` says already which run the model belongs to")
    return reader.path("model-path"), reader.get("model-uri", checks.model_uri, "")


def _refuse_unfinished(reader: Reader) -> None:
    for name in ("require-registered", "summary"):
        reader.boolean(name)
    reader.get("on-missing-key", checks.one_of(("fail",)), "")
    if reader.boolean("dry-run"):
        reader.problem("dry-run", "this version cannot do that yet")
    for name in filter(reader.text, _NOT_YET):
        reader.problem(name, "this version cannot do that yet")
    for name in ("HOKUSAI_MOCK_MODE", "HOKUSAI_OPTIONAL_MLFLOW", "MLFLOW_TRACKING_AWS_SIGV4"):
        if reader.flag(name):
            reader.problem(name, "this version cannot do that yet")


def _addresses(reader: Reader) -> tuple[str, str]:
    """Return the tracking URI and the API's origin; each one says where the other is, if alone.

    A key of a staging service must not reach production because only one address was changed.
    """
    tracking_uri = reader.get("tracking-uri", checks.url, "")
    api_url = reader.get("api-url", checks.url, "").removesuffix("/api")
    if not tracking_uri:
        tracking_uri = f"{api_url}/api/mlflow" if api_url else DEFAULT_TRACKING_URI
    if not api_url and tracking_uri.endswith("/api/mlflow"):
        api_url = tracking_uri.removesuffix("/api/mlflow")
    allowed = reader.boolean("allow-insecure-http")
    for name, url in (("tracking-uri", tracking_uri), ("api-url", api_url)):
        clear = url.startswith("http://") and not checks.is_loopback(url)
        if clear and not allowed and reader.text(name):  # one that is derived is told of once
            host = urlsplit(url).netloc
            why = f"the key would go to {host} in the clear: use https"
            reader.problem(reader.source(name), why)
    return tracking_uri, api_url


def _tls(reader: Reader, addresses: Iterable[str]) -> TlsFiles:
    insecure = reader.boolean("insecure-tls")
    named = reader.source("insecure-tls")
    away = not all(checks.is_loopback(address) for address in addresses if address)
    if insecure and named != "insecure-tls" and away:
        reader.problem(
            named,
            "the key would go to whoever answers: set the input `insecure-tls` if that is meant",
        )
    if reader.text("client-key") and not reader.text("client-cert"):
        reader.problem("client-key", "it needs `client-cert`")
    return TlsFiles(
        ca_bundle=reader.file("ca-bundle"),
        client_cert=reader.file("client-cert"),
        client_key=reader.file("client-key"),
        verify=not insecure,
    )


def _credentials(reader: Reader) -> Credentials:
    found = Credentials(
        key=reader.key(),
        token=reader.variable("MLFLOW_TRACKING_TOKEN", bare=True),
        user=reader.variable("MLFLOW_TRACKING_USERNAME").reveal(),
        password=reader.variable("MLFLOW_TRACKING_PASSWORD"),
    )
    if not found and not reader.text("api-key"):
        reader.refuse(
            AuthError(
                "there is no key",
                why="`api-key` and HOKUSAI_API_KEY are blank: the secret is not set, or this event "
                "does not get it (a pull request of a fork, Dependabot)",
                fix="store the key as a secret, and pass api-key: ${{ secrets.HOKUSAI_API_KEY }}",
                reason=Reason.KEY_MISSING,
            )
        )
    return found


def _remarks(
    reader: Reader, credentials: Credentials, tls: TlsFiles, files: Artifact | None
) -> list[str]:
    """Return what the user should know although it stops nothing."""
    told = []
    if files and files.left_out:
        more = len(files.left_out) - NAMED
        names = [*files.left_out[:NAMED], *([f"and {more:,} more"] if more > 0 else [])]
        told.append(f"left out of the model: {', '.join(names)}")
    kind = reader.text("model-type")
    if files and kind and files.kind not in (kind, "custom"):
        told.append(f"the files look like {files.kind}, and `model-type` says {kind}")
    if not tls.verify:
        told.append("certificates are not checked (insecure-tls): for development only")
    if 0 < len(credentials.key.reveal()) < SHORTEST_KEY:
        told.append("the key is so short that the runner may drop outputs that contain it")
    return told

"""What the user asked for, parsed once: raw strings become one frozen `Inputs` or one complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hokusai_register import access, artifact, bundle, checks, policy, sections
from hokusai_register.access import Credentials, Tls
from hokusai_register.announcing import announceable
from hokusai_register.artifact import Roots
from hokusai_register.errors import KeyMissingError
from hokusai_register.fields import BY_NAME
from hokusai_register.files import Reading, unheard
from hokusai_register.model import Artifact, Backend, Model, Provenance, Secret, Skipped
from hokusai_register.policy import Step
from hokusai_register.provenance import provenance, stranger
from hokusai_register.reader import Reader
from hokusai_register.sections import LocalStore

NAMED = 10  # files that were left out; there may be thousands
# Who hears of the model's bytes, when it is known which backend will be asked first.
Hearing = Callable[[Backend], Reading]


def nobody(_: Backend) -> Reading:
    """Let nobody hear."""
    return unheard


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the user asked for, checked; nothing downstream reads the environment.

    `locked` is why the real registry cannot be asked at all, `skip` why it need not be. `api_url`
    is the origin of the Hokusai API. `timeout` is in seconds.
    """

    model: Model
    policy: tuple[Step, ...]
    credentials: Credentials
    locked: KeyMissingError | None
    skip: Skipped | None
    dry_run: bool
    tracking_uri: str
    api_url: str
    local: LocalStore
    tls: Tls
    timeout: float
    remarks: tuple[str, ...]


def parse(
    raw: Mapping[str, str], environ: Mapping[str, str], roots: Roots, heard: Hearing = nobody
) -> Inputs:
    """Check everything, then complain once about all of it; the model's bytes are read last."""
    reader = Reader(raw, environ, roots)
    path, uri = sections.source(reader)
    told = _told(reader, path, provenance(environ))
    timeout = reader.get("timeout", checks.seconds, 0.0)
    tracking_uri, api_url = sections.addresses(reader)
    _refuse(reader, tracking_uri)
    tls = access.tls(reader, (tracking_uri, api_url))
    credentials = access.credentials(reader)
    steps = sections.steps(reader, tracking_uri)
    local = sections.local(reader, tracking_uri, environ, roots)
    locked = sections.locked(reader, credentials, stranger(environ))
    skip = sections.skip(reader, locked, stranger(environ))
    dry_run = reader.boolean("dry-run")
    key = bool(credentials.key or locked)
    announceable(reader, told, steps, api_url, key=key)
    reader.complain(None if skip or not policy.needs_key(steps) else locked)
    told = told and replace(told, source=uri, origin=sections.origin(tracking_uri))
    model = _read(reader, told, path, roots, heard(steps[0].backend))
    if not told:
        announceable(reader, model, steps, api_url, key=key)
        reader.complain(None)
    # What is logged in a registry, only that registry can say; and the API knows only the key.
    api = bool(api_url and key and isinstance(model.source, Artifact))
    return Inputs(
        model=model,
        policy=tuple(step for step in steps if api or step.backend is not Backend.API),
        credentials=credentials,
        locked=locked,
        skip=skip,
        dry_run=dry_run,
        tracking_uri=tracking_uri,
        api_url=api_url,
        local=local,
        tls=tls,
        timeout=timeout,
        remarks=tuple(_remarks(reader, credentials, tls, model)),
    )


def _told(reader: Reader, path: Path | None, came_from: Provenance) -> Model | None:
    """Return what the user says of the model; None if `path` is a bundle, which says it itself."""
    if not path or not bundle.is_bundle(path):
        return replace(sections.describe(reader), provenance=came_from)
    sections.leave_to_bundle(reader)
    return None


def secrets(raw: Mapping[str, str], environ: Mapping[str, str]) -> list[Secret]:
    """Return every credential that was handed in: they are masked before anything is checked."""
    values = [
        raw.get("api-key", ""),
        *(environ.get(name, "") for name in _SECRETS),
        *map(checks.password, _addresses(raw, environ)),
    ]
    return [Secret(text.strip()) for text in values if text.strip()]


def _addresses(raw: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every address that may hold a login: those of proxies do, ours must not."""
    for name in ("tracking-uri", "api-url"):
        yield raw.get(name, "")
        yield from (environ.get(variable, "") for variable in BY_NAME[name].env)
    yield from (text for name, text in environ.items() if name.lower().endswith("_proxy"))


_SECRETS = ("HOKUSAI_API_KEY", access.TOKEN, access.PASSWORD, *access.AWS_SECRETS)


def _read(
    reader: Reader, told: Model | None, path: Path | None, roots: Roots, reading: Reading
) -> Model:
    """Return the model with its files, if it has any here; its kind is theirs, if nobody said."""
    if not told:
        return bundle.open_bundle(path or roots.workspace, reading)
    if not path:
        return replace(told, kind=told.kind or "custom")
    files = artifact.read(reader.text("model-path"), roots, reading)
    return replace(told, source=files, kind=told.kind or files.kind)


def _refuse(reader: Reader, tracking_uri: str) -> None:
    """Refuse what is none of ours, a registry of its own, and wrong words for the host."""
    reader.refuse_unknown()
    sections.refuse_registry(reader, tracking_uri)
    reader.boolean("summary")
    reader.target("result-file")


def _remarks(reader: Reader, credentials: Credentials, tls: Tls, model: Model) -> list[str]:
    """Return what the user should know although it stops nothing."""
    told = []
    files, kind = model.source, reader.text("model-type")
    if isinstance(files, Artifact) and files.left_out:
        more = len(files.left_out) - NAMED
        names = [*files.left_out[:NAMED], *([f"and {more:,} more"] if more > 0 else [])]
        told.append(f"left out of the model: {', '.join(names)}")
    if isinstance(files, Artifact) and kind and files.kind not in (kind, "custom"):
        told.append(f"the files look like {files.kind}, and `model-type` says {kind}")
    told += access.remarks(credentials)
    if model.token and model.token.baseline == 0:
        told.append(
            "the service announces a baseline of 0 and then fails (HTTP 502), so that nobody can "
            "tell whether it did"
        )
    if not tls.verify:
        told.append("certificates are not checked (insecure-tls): for development only")
    if reader.boolean("allow-insecure-http"):
        told.append("the key may go in the clear (allow-insecure-http): for development only")
    if 0 < len(credentials.key.reveal()) < access.SHORTEST_KEY:
        told.append("the key is so short that the runner may drop outputs that contain it")
    return told

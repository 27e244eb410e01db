"""Whom to trust, and who we are: the inputs and the variables that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hokusai_register import checks
from hokusai_register.model import Secret
from hokusai_register.reader import Reader

# The ways to log in to MLflow, as a person is told.
TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105  # the name of one
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
PAIR = f"{USER} and {PASSWORD}"
SIGV4 = "MLFLOW_TRACKING_AWS_SIGV4"
KEY = "the Hokusai key"
WORKSPACE = "MLFLOW_WORKSPACE"

# What aws-actions/configure-aws-credentials hands on, beside the region.
AWS_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SHORTEST_KEY = 8  # characters; a shorter one is a word that may stand in any log
_BLANK = Secret("")
_REGION = re.compile("[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and who we are: PEM files. `verify` is off in development only."""

    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """What an AWS login is made of: a key with its id, perhaps for one session, and for what."""

    id: str = ""
    secret: Secret = _BLANK
    session: Secret = _BLANK
    region: str = ""
    service: str = "execute-api"  # Amazon API Gateway; MLflow's own client signs for it too


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to log in: the key for both services, or what the MLflow server wants instead of it.

    `workspace` is the part of an MLflow server that is meant; blank for a server without any.
    """

    key: Secret
    token: Secret
    user: str
    password: Secret
    aws: AwsKeys = AwsKeys()
    workspace: str = ""

    def __bool__(self) -> bool:
        return bool(self.ways)

    @property
    def ways(self) -> tuple[str, ...]:
        """How MLflow could be logged in to; the first one is taken."""
        there = {
            TOKEN: self.token,
            PAIR: self.user and self.password,
            SIGV4: self.aws.secret,
            KEY: self.key,
        }
        return tuple(name for name, given in there.items() if given)


def tls(reader: Reader, addresses: Iterable[str]) -> Tls:
    """Return whom to trust, and who we are."""
    insecure = reader.boolean("insecure-tls")
    named = reader.source("insecure-tls")
    away = not all(checks.is_loopback(address) for address in addresses if address)
    if insecure and named != "insecure-tls" and away:
        reader.problem(
            named,
            "the key would go to whoever answers: name the server's CA, or, in the action, set the "
            "input `insecure-tls` if that is meant",
        )
    if reader.text("client-key") and not reader.text("client-cert"):
        reader.problem("client-key", "it needs `client-cert`")
    return Tls(
        ca_bundle=reader.file("ca-bundle"),
        client_cert=reader.file("client-cert"),
        client_key=reader.file("client-key"),
        verify=not insecure,
    )


def credentials(reader: Reader) -> Credentials:
    """Return every login that was handed in; no other input may give it away."""
    user, password = reader.variable(USER).reveal(), reader.variable(PASSWORD)
    if ":" in user and password:
        reader.problem(USER, "no user name can have a colon (RFC 7617)")
    key, token = reader.key(), reader.variable(TOKEN, bare=True)
    keys = (secret.reveal() for secret in (key, token))
    for name in reader.holding(text for text in keys if len(text) >= SHORTEST_KEY):
        reader.problem(name, "it holds a part of the key, and would be stored for others to read")
    return Credentials(
        key=key,
        token=token,
        user=user,
        password=password,
        aws=_aws(reader),
        workspace=reader.setting(WORKSPACE, checks.workspace, ""),
    )


def remarks(found: Credentials) -> list[str]:
    """Return which login is taken where there are several, and what is only half of one."""
    told = []
    if len(found.ways) > 1:
        first, *others = found.ways
        told.append(f"MLflow is logged in to with {first}, not with {' or '.join(others)}")
    if bool(found.user) != bool(found.password):
        there, blank = (USER, PASSWORD) if found.user else (PASSWORD, USER)
        told.append(f"{there} is not used, since {blank} is blank")
    elif not f"{found.user}{found.password.reveal()}".isascii():
        told.append(f"{PAIR} are not only ASCII: MLflow 3 answers 401 to uploads with such a login")
    return told


def _aws(reader: Reader) -> AwsKeys:
    """Return the AWS login, if MLFLOW_TRACKING_AWS_SIGV4 asks for one; else a blank one."""
    if not reader.flag(SIGV4):
        return AwsKeys()
    key_id, secret, session, region, fallback = (
        reader.variable(name, bare=True)
        for name in (*AWS_SECRETS, "AWS_REGION", "AWS_DEFAULT_REGION")
    )
    region = region or fallback
    needed = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": region}
    missing = " and ".join(name for name, given in needed.items() if not given)
    if missing:
        reader.problem(
            SIGV4,
            f"it needs {missing}: run aws-actions/configure-aws-credentials before this step "
            "(elsewhere: `aws configure export-credentials --format env`)",
        )
    elif not _REGION.fullmatch(region.reveal()):
        reader.problem("AWS_REGION", "a region has lower-case letters, digits and hyphens")
    return AwsKeys(id=key_id.reveal(), secret=secret, session=session, region=region.reveal())

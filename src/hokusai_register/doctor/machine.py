"""What can be seen from here: versions, the key, the disk, and what the exchanges have shown."""

from __future__ import annotations

import os
import platform
import shutil
import ssl
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from hokusai_register import __version__
from hokusai_register.diagnosis import Finding, Health
from hokusai_register.doctor.settings import Settings
from hokusai_register.errors import KeyMissingError
from hokusai_register.http import SKEW, Certificate, Network

LEAST_SPACE = 1 << 30  # bytes; a local registration keeps a copy of the model
LEAST_DAYS = 14  # that a certificate should still be good for
DAY = 86_400


def versions() -> Finding:
    """Say what runs here."""
    parts = (
        f"hokusai-register-model {__version__}",
        f"Python {platform.python_version()}",
        f"MLflow client {version('mlflow-skinny')}",
        ssl.OPENSSL_VERSION,
    )
    return Finding(check="versions", said=", ".join(parts))


def key(settings: Settings) -> Finding:
    """Say which login is used, and where it was found."""
    ways = settings.credentials.ways
    if not ways:
        return Finding(
            check="key",
            said="there is no key, and no other login",
            health=Health.FAIL,
            fix="set HOKUSAI_API_KEY to a key of the service",
            exit_code=KeyMissingError.exit_code,
        )
    known = settings.credentials.key
    told = f"the Hokusai key is that of {settings.key_from}" if known else "there is no Hokusai key"
    others = f", before {' and '.join(ways[1:])}" if ways[1:] else ""
    return Finding(check="key", said=f"{told}; MLflow is logged in to with {ways[0]}{others}")


def disk(settings: Settings) -> Finding:
    """Say whether a local registration would find room."""
    there = next(path for path in (settings.store, *settings.store.parents) if path.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:,.1f} GB are free for local registrations"
    if free >= LEAST_SPACE and os.access(there, os.W_OK):
        return Finding(check="disk", said=said)
    writable = said if os.access(there, os.W_OK) else f"{there.name!a} cannot be written to"
    return Finding(
        check="disk",
        said=writable,
        health=Health.WARN,
        fix="make room, or name another `local-store`; only `fallback: local` needs it",
    )


def certificates(network: Network) -> Iterator[Finding]:
    """Say of each host with TLS who vouches for it, and for how long."""
    for host, chain in network.chains.items():
        if not chain:
            yield Finding(
                check="tls",
                said=f"the certificate of {host} is not checked",
                health=Health.WARN,
                fix="name the CA in `ca-bundle`, and take `insecure-tls` away",
            )
            continue
        names = [host, *(_name(certificate["subject"]) for certificate in chain[1:])]
        left, first = min(zip(map(_days, chain), names, strict=True))
        vouching = ", that by ".join(names[1:] or [_name(chain[0]["issuer"])])
        said = f"{host} is vouched for by {vouching}, for {left:,.0f} days more"
        if left >= LEAST_DAYS:
            yield Finding(check="tls", said=said)
        else:
            said += f": then the certificate of {first} expires"
            fix = f"let whoever runs the server renew the certificate of {first}"
            yield Finding(check="tls", said=said, health=Health.WARN, fix=fix)


def clocks(network: Network) -> Iterator[Finding]:
    """Say how far our clock is from that of each host."""
    if not network.skews:
        yield Finding(check="clock", said="nobody told the time", certain=False)
    for host, skew in network.skews.items():
        said = f"this machine's clock and that of {host} are {abs(skew):,.0f} s apart"
        if abs(skew) <= SKEW:
            yield Finding(check="clock", said=said)
        else:
            fix = "let this machine set its clock by NTP; or tell whoever runs the server"
            yield Finding(check="clock", said=said, health=Health.WARN, fix=fix)


def _days(certificate: Certificate) -> float:
    """Return for how many days more it is good."""
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY


def _name(distinguished: Any) -> str:
    """Return the most telling part of a name as Python's ssl module gives it."""
    parts = {name: value for part in distinguished for name, value in part}
    wanted = ("commonName", "organizationalUnitName", "organizationName")
    return next((str(parts[name]) for name in wanted if name in parts), "somebody")

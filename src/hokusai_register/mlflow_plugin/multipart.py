"""Large files in parts, straight to the object store behind a server that offers this.

The server signs an address for each part. Our login stays with the server, and what it signed is a
secret: neither is shown, and the store is told nothing but the part.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hokusai_register.checks import is_loopback
from hokusai_register.errors import (
    Reason,
    RegisterError,
    RejectedError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
    UnreachableError,
)
from hokusai_register.files import CHUNK, Parcel
from hokusai_register.http import (
    Answer,
    Body,
    Effect,
    Http,
    Login,
    Network,
    Tally,
    together,
)

CREATE, COMPLETE, ABORT = (
    f"/api/2.0/mlflow-artifacts/mpu/{step}" for step in ("create", "complete", "abort")
)
# Bytes. Gateways that give a request 30 s have failed from 200 MiB on, and below 100 MiB one
# request is as fast.
SMALLEST = 100 << 20
PART = 8 << 20  # bytes; S3 takes no less than 5 MiB
MOST = 10_000  # parts, which is what S3 takes; those of 100 GiB have 11 MB
THREADS = 4  # parts on their way, each held in memory
ADDRESSES = 32 << 20  # bytes of an answer that has an address for each of so many parts
SIGNING = 120.0  # seconds that a server may take for these
JOINING = 300.0  # seconds that a store may take to make one object of the parts
LEAVING = 10.0  # seconds that are spent on cleaning up
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Part:
    """Where one part goes, as the server signed it."""

    number: int
    url: str = field(repr=False)
    headers: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> _Part:
        """Take one credential of the answer apart; it has another shape on any of four errors."""
        url, headers = found["url"], dict(found.get("headers") or {})
        texts = [url, *headers, *headers.values()]
        if not all(text.isascii() and text.isprintable() for text in texts):
            raise ValueError(found["part_number"])
        return cls(int(found["part_number"]), url, headers)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the server answered: the id of the upload, and an address for each part."""

    folder: str
    name: str
    upload_id: str | None
    origin: str
    parts: tuple[_Part, ...]

    @classmethod
    def of(cls, found: Any, folder: str, name: str, count: int) -> _Plan:
        """Take the answer apart, as `_Part.of` does."""
        parts = sorted(map(_Part.of, found["credentials"]), key=lambda part: part.number)
        (origin,) = {"{0.scheme}://{0.netloc}".format(urlsplit(part.url)) for part in parts}
        if [part.number for part in parts] != [*range(1, count + 1)]:
            raise ValueError(count)
        return cls(folder, name, found.get("upload_id"), origin, tuple(parts))


class _AgainError(Exception):
    """It failed in a way that a second upload, with new addresses, may not."""

    def __init__(self, error: RegisterError) -> None:
        super().__init__(error.what)
        self.error = error


class Multipart:
    """The store behind one server; `address` makes a path and an endpoint an address there."""

    def __init__(
        self, http: Callable[[], Http], address: Callable[[str, str], str], network: Network
    ) -> None:
        self._http, self._address = http, address
        # Who we are is nothing that a store has to know, nor what a certificate says of it.
        self._network = replace(
            network, tls=replace(network.tls, client_cert=None, client_key=None)
        )
        self._offered = True

    def take(self, parcel: Parcel, tally: Tally) -> bool:
        """Store a large file; False if nothing is stored, and it has to go through the server."""
        folder = parcel.path.rpartition("/")[0]
        if parcel.file.size < SMALLEST or not folder or not self._offered:
            return False
        try:
            self._offered = self._upload(parcel, tally)
        except _AgainError:
            try:
                self._offered = self._upload(parcel, tally)
            except _AgainError as again:
                raise again.error from None
        return self._offered

    def _upload(self, parcel: Parcel, tally: Tally) -> bool:
        size = max(PART, math.ceil(parcel.file.size / MOST))
        plan = self._create(parcel, math.ceil(parcel.file.size / size))
        if plan is None:
            return False
        whole = False
        mine = Tally(tally.tell)
        try:
            if self._may_go_to(plan.origin):
                self._complete(plan, self._send(plan, parcel, size, mine))
                whole = True
        except (UnreachableError, TrustError) as error:  # it may be open to its server alone
            _LOG.info("%s: %s; the file goes through the server", error.what, error.why)
        finally:
            if not whole:
                mine.void()
                self._abort(plan)
        return whole

    def _create(self, parcel: Parcel, count: int) -> _Plan | None:
        """Return where the parts go; None if the server does not offer this."""
        folder, _, name = parcel.path.rpartition("/")
        answer = self._http().request(
            "POST",
            self._address(folder, CREATE),
            Effect.ONCE,
            json={"path": name, "num_parts": count},
            limit=SIGNING,
            most=ADDRESSES,
        )
        # If a refusal means more than that, the upload through the server will say so.
        try:
            return _Plan.of(answer.maybe_json(), folder, name, count) if answer.ok else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def _may_go_to(self, origin: str) -> bool:
        """Whether a model may go there: in the clear only where the server gets it so, too."""
        parts, base = urlsplit(origin), self._http().base
        exposed = urlsplit(base).scheme == "http" and not is_loopback(base)
        schemes = ("https", "http") if exposed or is_loopback(origin) else ("https",)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.scheme in schemes

    def _send(self, plan: _Plan, parcel: Parcel, size: int, tally: Tally) -> list[dict[str, Any]]:
        """Send all parts, and return what the server has to know of them."""
        done: dict[int, dict[str, Any]] = {}

        def send(store: Http, numbered: tuple[int, bytes]) -> None:
            number, piece = numbered
            part = plan.parts[number - 1]
            body = Body(len(piece), "UNSIGNED", partial(_slices, piece), part.headers)
            answer = store.upload(part.url.removeprefix(plan.origin), body, tally.tell)
            if not answer.ok:
                raise _refusal(answer, plan.name)
            etag = answer.headers.get("etag", "")
            done[number] = {"part_number": number, "etag": etag, "url": part.url}

        with closing(Http(plan.origin, self._network, Login.nobody())) as store:
            pieces = enumerate(parcel.pieces(size), 1)
            together(partial(send, store), pieces, min(THREADS, len(plan.parts)), store.stop)
        return [done[number] for number in sorted(done)]

    def _complete(self, plan: _Plan, parts: list[dict[str, Any]]) -> None:
        body = {"path": plan.name, "upload_id": plan.upload_id, "parts": parts}
        address = self._address(plan.folder, COMPLETE)
        try:
            answer = self._http().request("POST", address, Effect.ONCE, json=body, limit=JOINING)
            answer.json_object()
        except UnconfirmedError as error:  # it may be there; to send it again makes it certain
            raise _AgainError(error) from error

    def _abort(self, plan: _Plan) -> None:
        body = {"path": plan.name, "upload_id": plan.upload_id}
        left = self._network.deadline.left() / 2  # the rest is for closing the run
        with suppress(RegisterError):  # a store forgets what is never completed, if it is told to
            self._http().request(
                "POST",
                self._address(plan.folder, ABORT),
                Effect.REPEATABLE,
                json=body,
                limit=min(LEAVING, left),
            )


def _slices(piece: bytes) -> Generator[bytes, None, None]:
    for start in range(0, len(piece), CHUNK):
        yield piece[start : start + CHUNK]


def _refusal(answer: Answer, name: str) -> Exception:
    """Return the error for a refused part; what the store says may hold what is signed."""
    code = re.search(rb"<Code>([A-Za-z]{1,60})</Code>", answer.body)
    why = f"HTTP {answer.status}{f' ({code[1].decode()})' if code else ''}"
    if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004  # RFC 6585, 9110
        return UnavailableError(
            f"the store {answer.host} cannot take a part of {name!a} now",
            why=why,
            fix="run the job again later; no part of the file is kept",
            reason=Reason.SERVER_5XX,
        )
    refused = RejectedError(
        f"the store {answer.host} refuses a part of {name!a}",
        why=f"{why}; the MLflow server signs the addresses of its store, which need no login",
        fix="check that the server may write to its store, and that both clocks are right",
    )
    return _AgainError(refused) if answer.status == 403 else refused  # noqa: PLR2004  # RFC 9110

"""One origin and one identity: requests with deadlines, repeated only where that is harmless."""

from __future__ import annotations

import hashlib
import logging
import math
import random
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from hokusai_register import __version__, checks
from hokusai_register.access import Tls
from hokusai_register.deadline import Deadline
from hokusai_register.errors import (
    Reason,
    RegisterError,
    UnavailableError,
    UnreachableError,
)
from hokusai_register.http.answers import Answer, Effect, refusal, senseless
from hokusai_register.http.bodies import Body, Measure, Tally
from hokusai_register.http.failures import CONNECT, failure
from hokusai_register.http.login import Login
from hokusai_register.http.repeats import date, repeats, retry_after
from hokusai_register.http.tls import Certificate, chain, context
from hokusai_register.http.wire import DeadlineBackend, Wall, proxy_for
from hokusai_register.redaction import redact

CONTROL = 30.0  # seconds of wall clock for one control request and its answer
PHASE = 45.0  # seconds for a control request with all its repetitions
STALL = 60.0  # seconds without a byte that end a transfer
SETTLE = 300.0  # seconds that a server may take after the last byte of an upload
TRIES = 4
PATIENCE = 8.0  # seconds after which a host that does not even connect is given up
SKEW = 300.0  # seconds that two clocks may differ
ANSWER_LIMIT = 1 << 20  # bytes
_LOCATION, _MOST = "location", "most"


@dataclass(kw_only=True)
class Network:
    """What all exchanges of one run share."""

    tls: Tls = field(default_factory=Tls)
    deadline: Deadline = field(default_factory=Deadline)
    sleep: Callable[[float], object] | None = None
    jitter: Callable[[float, float], float] = random.uniform
    tries: int = TRIES
    dead: set[str] = field(default_factory=set)
    skews: dict[str, float] = field(default_factory=dict)
    chains: dict[str, tuple[Certificate, ...]] = field(default_factory=dict)

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """The TLS context, which takes a fiftieth of a second to make (InputError: no PEM)."""
        return context(self.tls)

    def remarks(self) -> tuple[str, ...]:
        """Return what the user should know of the hosts that answered."""
        return tuple(
            f"this machine's clock and that of {host} are {abs(skew) / 60:,.0f} minutes apart"
            for host, skew in self.skews.items()
            if abs(skew) > SKEW
        )


class Http:
    """Talks to one service below one base URL; the credentials of `login` go nowhere else."""

    def __init__(self, base: str, network: Network, login: Login) -> None:
        self.base = base.rstrip("/")
        self.host = urlsplit(base).netloc
        self.login = login
        self._network = network
        self._wall = Wall()
        secure = urlsplit(base).scheme == "https"
        proxy = proxy_for(base)
        self.proxy = urlsplit(proxy).netloc.rpartition("@")[2] if proxy else ""
        self._secrets = [secret.reveal() for secret in login.secrets]
        self._secrets += [checks.password(proxy)] if proxy else []
        self._transport = httpx.HTTPTransport(
            verify=network.trust if secure else False, proxy=proxy
        )
        self._lines = DeadlineBackend(self._wall, None if proxy else network.tls)
        # The pool takes a backend when it is built, and httpx has no argument for it.
        self._transport._pool._network_backend = self._lines  # noqa: SLF001  # see above
        self._client = httpx.Client(
            transport=self._transport,
            headers={
                "User-Agent": f"hokusai-register-model/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            follow_redirects=False,
            event_hooks={"response": [_set_aside]},
            timeout=httpx.Timeout(STALL, connect=CONNECT),
        )

    @property
    def where(self) -> str:
        """The host, and the proxy on the way to it, as a person is told."""
        return f"{self.host} via proxy {self.proxy}" if self.proxy else self.host

    def request(
        self,
        method: str,
        path: str,
        effect: Effect,
        *,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        limit: float | None = None,
        most: int = ANSWER_LIMIT,
    ) -> Answer:
        """Return the answer, whatever its status; raise if there is none to be had.

        `path` is appended to the base as it is: the caller has escaped it. `limit` are the seconds
        that an answer may take, if other than usual, `most` the bytes that it may have.
        """
        # AWS knows a blank as %20 only, and to everybody else that is the same as `+`.
        query = str(httpx.QueryParams(params)).replace("+", "%20")
        target = f"{path}?{query}" if query else path

        def once(seconds: float) -> Answer:
            request = self._request(method, target, json=json, headers=headers)
            request.extensions[_MOST] = most
            if limit:
                request.extensions["timeout"]["read"] = limit
            with self._wall.within(min(limit or CONTROL, seconds)):
                return self._exchange(request, effect)

        return self._repeat(once, effect, limit or PHASE)

    def upload(self, path: str, body: Body, sent: Callable[[int], None]) -> Answer:
        """PUT a body, again if need be; `sent` hears of bytes that left, or are taken back."""
        tally = Tally(sent)
        headers = {**body.headers, "Content-Length": str(body.size)}

        def once(seconds: float) -> Answer:
            tally.void()
            with closing(body.pieces()) as pieces:
                content = tally.counted(pieces)
                request = self._request("PUT", path, body.sha256, content=content, headers=headers)
                request.extensions["timeout"]["read"] = SETTLE
                with self._wall.within(seconds):
                    return self._exchange(request, Effect.REPEATABLE)

        return self._repeat(once, Effect.REPEATABLE, math.inf)

    def download(self, path: str, target: BinaryIO | None = None) -> tuple[str, int]:
        """GET a file into `target`, if there is one; return its SHA-256 in hex and its size."""
        measure = Measure()

        def take(piece: bytes) -> None:
            measure.update(piece)
            if target:
                target.write(piece)

        def once(seconds: float) -> Answer:
            measure.reset()
            if target:
                target.seek(0)
                target.truncate()
            request = self._request("GET", path)
            with self._wall.within(seconds):
                return self._exchange(request, Effect.READ, into=take)

        answer = self._repeat(once, Effect.READ, math.inf)
        if not answer.ok:
            raise refusal(answer)
        return measure.sha.hexdigest(), measure.size

    def close(self) -> None:
        """Close all connections; the next request opens a new one."""
        self._transport.close()

    def stop(self) -> None:
        """Break off, for good, what other threads are doing here."""
        self._lines.stop()

    def _request(self, method: str, path: str, sha256: str = "", **parts: Any) -> httpx.Request:
        """Return a request that is logged in; `sha256` is that of a body still to be read."""
        request = self._client.build_request(method, self.base + path, **parts)
        digest = sha256 or hashlib.sha256(request.content).hexdigest()
        kind = request.headers.get("content-type", "")
        request.headers.update(self.login.sign(method, str(request.url), kind, digest))
        return request

    def _repeat(self, once: Callable[[float], Answer], effect: Effect, phase: float) -> Answer:
        """Try until there is an answer to keep, the tries are used up, or it would be too late."""
        began = time.monotonic()
        end = began + min(phase, self._network.deadline.left())
        tries = 1 if self.host in self._network.dead else self._network.tries
        for attempt in range(1, tries + 1):
            outcome = self._outcome(once, end)
            pause = self._pause(attempt, outcome)
            stop = began + PATIENCE if isinstance(outcome, UnreachableError) else end
            if attempt == tries or not repeats(outcome, effect) or time.monotonic() + pause > stop:
                break
            (self._network.sleep or self._lines.stopped.wait)(pause)
            if self._lines.stopped.is_set():
                break
        if isinstance(outcome, Answer):
            return outcome
        if isinstance(outcome, UnreachableError) and not self._lines.stopped.is_set():
            self._network.dead.add(self.host)
        raise outcome

    def _outcome(self, once: Callable[[float], Answer], end: float) -> Answer | RegisterError:
        left = end - time.monotonic()
        if left <= 0:
            return UnavailableError(
                f"there was no time left to ask {self.host}",
                why="the step's timeout is used up",
                fix="raise `timeout`, then run the job again",
                reason=Reason.TIMEOUT,
            )
        try:
            return once(left)
        except RegisterError as error:
            return error

    def _pause(self, attempt: int, outcome: Answer | RegisterError) -> float:
        """Return the seconds to wait: what the server asks for, else full jitter."""
        asked = retry_after(outcome.headers) if isinstance(outcome, Answer) else None
        return self._network.jitter(0, 2.0 ** (attempt - 1)) if asked is None else asked

    def _exchange(
        self, request: httpx.Request, effect: Effect, into: Callable[[bytes], None] | None = None
    ) -> Answer:
        try:
            response = self._client.send(request, stream=True)
            with closing(response):
                return self._read(response, effect, into)
        except httpx.TransportError as error:
            raise failure(error, effect, self.base, self.proxy) from error

    def _read(
        self, response: httpx.Response, effect: Effect, into: Callable[[bytes], None] | None
    ) -> Answer:
        """Take the answer in, as far as it may go; a good one may go `into` something else."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        headers[_LOCATION] = response.extensions[_LOCATION]
        if (theirs := date(headers.get("date", ""))) and "age" not in headers:
            self._network.skews[self.host] = theirs - time.time()
        stream = response.extensions.get("network_stream")
        tls = stream and stream.get_extra_info("ssl_object")
        if tls and self.host not in self._network.chains:
            self._network.chains[self.host] = chain(tls)
        body, most = bytearray(), response.request.extensions.get(_MOST, ANSWER_LIMIT)
        answer = Answer(self.host, effect, response.status_code, headers, b"", self.login.how)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise senseless(answer, "its answer is compressed, which was not asked for")
        for piece in response.iter_raw():
            if into and answer.ok:
                into(piece)
                continue
            body += piece
            if len(body) > most:
                raise senseless(answer, f"its answer is larger than {most:,} bytes")
        if not answer.ok:  # some servers repeat in their refusal what they were sent
            said = redact(body.decode(errors="surrogateescape"), self._secrets)
            body = bytearray(said.encode(errors="surrogateescape"))
        return replace(answer, body=bytes(body))


def _set_aside(response: httpx.Response) -> None:
    """Hide where a redirect leads to: httpx calls a broken exchange what is no address for it."""
    response.extensions[_LOCATION] = response.headers.pop(_LOCATION, "")


def _hide_queries(record: logging.LogRecord) -> bool:
    """Let httpx log where a request goes, and not what signs it there."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            given.copy_with(query=None) if isinstance(given, httpx.URL) else given
            for given in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_hide_queries)

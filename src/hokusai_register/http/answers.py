"""What an HTTP answer means: the one place that turns a status code into a cause.

The decision is taken from the raw exchange, never from an exception's text: behind MLflow's client
a 401, 403, 404, 409 or 422 with a body that is not MLflow's own looks like a 500.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from hokusai_register.errors import (
    AuthError,
    NotTheServiceError,
    ProxyAuthError,
    Reason,
    RegisterError,
    RejectedError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.http import words

# MLflow's word, with 400, for half a minute without a connection to its own database.
_BUSY = "QueuePool limit"
QUOTE = 300  # characters of a server's own words that a message may carry


class Effect(Enum):
    """What happens when a request arrives twice."""

    READ = "nothing"
    REPEATABLE = "the same again"
    ONCE = "one thing more"
    BILLED = "one thing more, and each asking costs, a refused one too"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: `body` in bytes, at most 1 MiB; header names in lower case.

    `login` names to a person how the request was logged in.
    """

    host: str
    effect: Effect
    status: int
    headers: Mapping[str, str]
    body: bytes
    login: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status is in the 200s."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the range is the definition

    @property
    def meant(self) -> int:
        """The status, or 503 where a server that has too much to do calls it a bad request."""
        busy = self.status == 400 and self.message().startswith(_BUSY)  # noqa: PLR2004  # RFC 9110
        return 503 if busy else self.status

    def maybe_json(self) -> Any:
        """Return the body parsed as JSON, or None; the content type is not asked."""
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return None

    def json_object(self) -> dict[str, Any]:
        """Return the JSON object of a good answer, or raise what the answer means."""
        if not self.ok:
            raise refusal(self)
        parsed = self.maybe_json()
        if not isinstance(parsed, dict):
            raise senseless(
                self, f"it sent {words.counted(self.body, self._type)} where a JSON object belongs"
            )
        return parsed

    def error_code(self) -> str:
        """Return MLflow's own error code, which says more than its status; blank for others."""
        parsed = self.maybe_json()
        code = parsed.get("error_code") if isinstance(parsed, dict) else ""
        return code if isinstance(code, str) else ""

    def message(self) -> str:
        """Return the server's own words, cut: foreign text, to be neutralised where it is shown."""
        return words.said(self.maybe_json(), self.body, self._type)[:QUOTE]

    @property
    def _type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()


def senseless(answer: Answer, why: str) -> RegisterError:
    """Return the error for an answer that is none: after a write, nobody knows what happened."""
    if answer.effect is Effect.READ:
        return NotTheServiceError(
            f"{answer.host} does not answer as the service does",
            why=why,
            fix="check the URL: is this the root of the service, and not a login page or a proxy?",
            reason=Reason.PROTOCOL,
        )
    return UnconfirmedError(
        f"{answer.host} took the request, and its answer makes no sense",
        why=why,
        fix="run the job again: it looks first for what this run may have made",
    )


def refusal(answer: Answer, about: str = "") -> RegisterError:
    """Return the error that an answer outside the 200s means; `about` is what was sent."""
    status, host, said = answer.meant, answer.host, answer.message()
    if 300 <= status < 400:  # noqa: PLR2004  # the range is the definition
        return redirect(host, answer.headers.get("location", ""))
    if status == 407:  # noqa: PLR2004  # RFC 9110: Proxy Authentication Required
        return proxy_login(host)
    row = REFUSED.get(answer.error_code() or said) or REFUSED.get(status)
    if not row and (status in (408, 425, 429) or status >= 500):  # noqa: PLR2004  # RFC 9110, 6585
        return _turned_away(answer, said)
    kind, what, reason, fix = row or _INVALID
    why = f"HTTP {status}: {said}"
    if kind is AuthError:
        why += _asked_for(answer)
    return kind(f"{host} {what}", why=f"{why}; {about}" if about else why, fix=fix, reason=reason)


def redirect(host: str, location: str) -> TrustError:
    """Return the error for a redirect: the key and the model go nowhere else."""
    where = "another path of the same host"
    try:
        target = urlsplit(location)
        if target.netloc:
            where = f"{target.scheme}://{target.netloc.rpartition('@')[2]}".removeprefix(":")
    except ValueError:
        where = "what is no address"
    return TrustError(
        f"{host} answers with a redirect",
        why=f"it points to {where}; neither the key nor the model is sent after a redirect",
        fix="use the final address as the URL, if you trust it",
        reason=Reason.REDIRECT,
    )


def proxy_login(host: str) -> ProxyAuthError:
    """Return the error for a proxy that wants to know who we are."""
    return ProxyAuthError(
        f"the proxy on the way to {host} wants a login",
        why="HTTP 407 Proxy Authentication Required",
        fix="put user and password into HTTPS_PROXY, or the host into NO_PROXY",
    )


def _asked_for(answer: Answer) -> str:
    """Say who we were, and which login the server asks for, if it names one (RFC 9110)."""
    wanted = answer.headers.get("www-authenticate", "").split()[:1]
    asks = f", and it asks for a {wanted[0][:40]} login" if wanted else ""
    return f"; the login was {answer.login}{asks}"


def _turned_away(answer: Answer, said: str) -> RegisterError:
    why = f"HTTP {answer.status}: {said}"
    if answer.status == 429:  # noqa: PLR2004  # RFC 6585: Too Many Requests
        return UnavailableError(
            f"{answer.host} asks to slow down",
            why=why,
            fix="run the job again later; nothing was changed",
            reason=Reason.RATE_LIMITED,
        )
    if answer.effect is Effect.READ:
        reason = Reason.SERVER_5XX if answer.status >= 500 else Reason.TIMEOUT  # noqa: PLR2004
        return UnavailableError(
            f"{answer.host} cannot answer now",
            why=why,
            fix="run the job again later; nothing was changed",
            reason=reason,
        )
    return UnconfirmedError(
        f"{answer.host} failed after it took the request",
        why=why,
        fix="run the job again: it looks first for what this run may have made",
    )


_INVALID = (
    RejectedError,
    "refuses this",
    Reason.INVALID,
    "correct what the server names, then run again",
)
_ABSENT = (
    NotTheServiceError,
    "has no such endpoint",
    Reason.NOT_FOUND,
    "check the URL: is this the root of the service?",
)
_TAKEN = (
    RejectedError,
    "has something else there already",
    Reason.CONFLICT,
    "choose another version label, or remove what is in the way",
)

# By MLflow's own error code or words, which say more than its status, or else by the status.
REFUSED: dict[str | int, tuple[type[RegisterError], str, Reason, str]] = {
    "RESOURCE_ALREADY_EXISTS": _TAKEN,
    "RESOURCE_DOES_NOT_EXIST": (
        RejectedError,
        "does not have this",
        Reason.NOT_FOUND,
        "check the name or the id; it may have been deleted",
    ),
    "FEATURE_DISABLED": (
        RejectedError,
        "has this switched off",
        Reason.INVALID,
        "leave MLFLOW_WORKSPACE blank, or ask who runs the server to switch it on",
    ),
    "Invalid Host header - possible DNS rebinding attack detected": (
        NotTheServiceError,
        "does not go by this name",
        Reason.PROTOCOL,
        "use a name that the server knows, or add this one to its `--allowed-hosts`",
    ),
    401: (
        AuthError,
        "refuses the credentials",
        Reason.AUTH_401,
        "check that the secret holds a current key, token or password of this service",
    ),
    402: (
        RejectedError,
        "wants to be paid first",
        Reason.INVALID,
        "top up the account's balance, then run again",
    ),
    403: (
        AuthError,
        "does not let these credentials do this",
        Reason.AUTH_403,
        "ask for the right to write there, or use a key that has it",
    ),
    404: _ABSENT,
    405: _ABSENT,
    409: _TAKEN,
    413: (
        RejectedError,
        "refuses the size of this",
        Reason.TOO_LARGE,
        "make the model smaller, or raise the limit of the server or of the proxy before it",
    ),
    501: _ABSENT,
}

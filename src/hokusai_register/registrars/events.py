"""Announces a tokenized registration to the Hokusai API: each event is billed, so only once.

The service sends one webhook for each request. Before a request leaves, the version says so in its
tag `hokusai.event`; whoever finds that and no outcome knows that nobody knows.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from hokusai_register.errors import RegisterError, RejectedError, UnconfirmedError
from hokusai_register.http import Effect, Http, senseless
from hokusai_register.model import canonical, sha256_hex
from hokusai_register.register import Watcher
from hokusai_register.registrars import once, terms
from hokusai_register.registrars.registry import Registry
from hokusai_register.tokenized import Announcement, EventState, Token

ENDPOINT = "/api/models/tokenized-registration-events"
PATIENCE = 90.0  # seconds: the service tries its webhook for 62 before it answers
TRIES = 3
POLL = 2.0  # seconds between two looks at what another job is doing
SENDING = "sending"

_SENT = Announcement(EventState.SENT)
_LATER = "the next run of the job sends the event, and nothing else"
_ASK = (
    "ask the service whether it has the event, which is billed each time; set the version's tag "
    "`hokusai.event` to `sent` if it has, to `pending` if not; then run the job again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One announcement, with all that the service wants to know."""

    model_name: str
    version: str
    run_id: str
    token: Token
    proposal: str

    @classmethod
    def of(cls, version: Any, token: Token, proposal: str) -> Event:
        """Return the announcement of a version, as MLflow shows it."""
        name, number, run_id = str(version.name), str(version.version), str(version.run_id)
        return cls(model_name=name, version=number, run_id=run_id, token=token, proposal=proposal)

    @property
    def body(self) -> dict[str, object]:
        """What is sent; without a current value the service takes the baseline for it."""
        return {
            "model_name": self.model_name,
            "version": self.version,
            "mlflow_run_id": self.run_id,
            "token_id": self.token.id,
            "proposal_identifier": self.proposal,
            "metric_name": self.token.metric,
            "baseline_value": self.token.baseline,
            **self.token.details,
        }

    @property
    def key(self) -> str:
        """The idempotency key: the same event says the same."""
        return "hke1-" + sha256_hex(canonical(self.body))


class Ledger(Protocol):
    """Where it stands what became of an event: `pending`, `sending …`, `sent` or `failed`."""

    def read(self) -> str:
        """Return what is written there now."""
        ...

    def write(self, state: str) -> None:
        """Write this instead."""
        ...


@dataclass(frozen=True, slots=True)
class VersionTag:
    """The ledger that every re-run finds again: a tag of the version itself."""

    registry: Registry
    name: str
    version: str

    def read(self) -> str:
        """Return the tag's value; blank if there is none."""
        return str(self.registry.version(self.name, self.version).tags.get(terms.EVENT, ""))

    def write(self, state: str) -> None:
        """Set the tag."""
        self.registry.tag_version(self.name, self.version, terms.EVENT, state)


class Announcer:
    """Sends events to one API, each of them once."""

    def __init__(
        self, http: Http, watcher: Watcher, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._watcher = watcher
        self._sleep = sleep

    def foresee(self, token: Token, recorded: str) -> str:
        """Say what `announce` would do; whether it may, only a billed request would tell."""
        if recorded == EventState.SENT:
            return f"the token {token.id} is announced already"
        if recorded.startswith(SENDING):
            return f"nobody knows whether the token {token.id} is announced: it would be asked for"
        baseline = f"{token.metric}, baseline {token.baseline:g}"
        return f"would announce the token {token.id} ({baseline}) to {self._http.where}"

    def announce(self, event: Event, ledger: Ledger) -> Announcement:
        """Send `event` unless it was sent, and write down what became of it; never raise."""
        with closing(self._http):
            try:
                known = self._known(event, ledger)
            except RegisterError as error:
                return Announcement(EventState.UNKNOWN, _told(error), f"{error.fix}; {_LATER}")
            if known:
                return known
            self._watcher.step(f"announcing the token {event.token.id} to {self._http.where}")
            outcome = self._send(event)
            return outcome if outcome.state is EventState.UNKNOWN else _written(ledger, outcome)

    def _known(self, event: Event, ledger: Ledger) -> Announcement | None:
        """Return what became of it already; None if it is now this job alone that sends it."""
        for _ in range(TRIES):
            recorded = self._awaited(ledger)
            if recorded == EventState.SENT:
                return _SENT
            there = self._look(event) if recorded.startswith(SENDING) else False
            if there is None:
                return _unknown("an earlier attempt ended while it was sending")
            if there:
                return _written(ledger, _SENT)
            try:
                if self._claimed(ledger):
                    return None
            except RegisterError as error:  # what cannot be noted is not sent
                return _failed(error)
        return _unknown("other jobs are about to send it")

    def _awaited(self, ledger: Ledger) -> str:
        """Return what the ledger says once nobody can be sending any more."""
        recorded = ledger.read()
        while abs(_age(recorded)) < PATIENCE:
            self._sleep(POLL)
            recorded = ledger.read()
        return recorded

    def _claimed(self, ledger: Ledger) -> bool:
        """Whether it is this job that sends: of those who claim at once, the last one (Fischer).

        The pause is longer than it takes the others, who have just looked, to write their claim.
        """
        began = time.monotonic()
        mine = f"{SENDING} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}, {secrets.token_hex(4)}"
        ledger.write(mine)
        self._sleep(max(once.SETTLE, 4 * (time.monotonic() - began)))
        return ledger.read() == mine

    def _send(self, event: Event) -> Announcement:
        """Send it; after a doubt again only if the service says that it does not have it."""
        for attempt in range(1, TRIES + 1):
            try:
                self._post(event)
            except UnconfirmedError as error:
                doubt = _unknown(_told(error))
            except RegisterError as error:
                return _failed(error)
            else:
                return _SENT
            self._sleep(once.SETTLE * attempt)
            known = self._look(event)
            if known:
                return _SENT
            if known is None:
                break
        return doubt

    def _post(self, event: Event) -> None:
        headers = {"Idempotency-Key": event.key}
        answer = self._http.request(
            "POST", ENDPOINT, Effect.BILLED, json=event.body, headers=headers, limit=PATIENCE
        )
        said = answer.json_object()
        if said.get("event_emitted") is False:
            raise RejectedError(
                f"{answer.host} took the event, and did not pass it on",
                why=f"it says: {answer.message()}",
                fix="ask the service why",
            )
        if said.get("event_emitted") is not True:
            raise senseless(answer, "it does not say whether the event was passed on")

    def _look(self, event: Event) -> bool | None:
        """Whether the service has the event; None if it is one that cannot be asked."""
        try:
            answer = self._http.request(
                "GET", ENDPOINT, Effect.READ, params={"idempotency_key": event.key}
            )
            found: Any = answer.json_object().get("events")
        except RegisterError:
            return None
        if not isinstance(found, list):
            return None
        return any(
            isinstance(one, dict) and one.get("idempotency_key") == event.key for one in found
        )


def _written(ledger: Ledger, outcome: Announcement) -> Announcement:
    """Return `outcome` after writing it down, with a word on it if that failed."""
    try:
        ledger.write(outcome.state)
    except RegisterError as error:
        why = f"{outcome.why}; " if outcome.why else ""
        return Announcement(outcome.state, f"{why}it could not be written down: {error.what}", _ASK)
    return outcome


def _age(recorded: str) -> float:
    """Return the seconds since somebody wrote that he is sending; infinite for other words."""
    stamp = recorded.removeprefix(f"{SENDING} since ").partition(",")[0]
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()
    except (TypeError, ValueError):  # written by hand, without a zone, or no time at all
        return math.inf


def _failed(error: RegisterError) -> Announcement:
    return Announcement(EventState.FAILED, _told(error), f"{error.fix}; {_LATER}")


def _unknown(why: str) -> Announcement:
    return Announcement(EventState.UNKNOWN, why, _ASK)


def _told(error: RegisterError) -> str:
    return f"{error.what} ({error.why})"

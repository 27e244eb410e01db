"""Asks both services whether they are there, what they are, and what the login may do there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from hokusai_register import checks
from hokusai_register.diagnosis import Finding, failed, softened
from hokusai_register.doctor.settings import Settings
from hokusai_register.errors import RegisterError
from hokusai_register.http import Answer, Effect, Http, Login, refusal, senseless
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import Backend
from hokusai_register.policy import POLICIES, Fallback
from hokusai_register.registrars import api, events

SHAPE = frozenset({400, 422})  # what a service says to a wrong shape once it has taken the key
VERSION = 40  # characters; what is longer is a page


@dataclass
class Examination:
    """One service: what was found, the first failure, and whether it can be registered with."""

    findings: list[Finding] = field(default_factory=list)
    error: RegisterError | None = None
    writes: bool = False

    def ask(self, check: str, question: Callable[[], str]) -> bool:
        """Keep what the answer says, or how it failed, and how long that took."""
        began = time.monotonic()
        try:
            said = question()
        except RegisterError as error:
            self.error = self.error or error
            self.findings.append(failed(check, error))
            return False
        took = round((time.monotonic() - began) * 1000)
        self.findings.append(Finding(check=check, said=said, milliseconds=took))
        return True


def ask(settings: Settings, *, billed: bool) -> list[Finding]:
    """Ask both; where one can be registered with, the other one's failures only warn."""
    mlflow, hokusai = _mlflow(settings), _api(settings)
    after = next(step.after for step in POLICIES[Fallback.API] if step.backend is Backend.API)
    found = mlflow.findings, hokusai.findings
    if hokusai.writes and isinstance(mlflow.error, after):
        found = softened(found[0], "the API would take a baseline instead"), found[1]
    if mlflow.writes:
        found = found[0], softened(found[1], "MLflow would take the registration")
    return [*found[0], *found[1], *_event(settings, billed=billed)]


def _mlflow(settings: Settings) -> Examination:
    exam = Examination()
    if checks.is_local_store(settings.tracking_uri):
        said = "`tracking-uri` names a local store: there is nobody to ask"
        exam.findings.append(Finding(check="mlflow", said=said))
        return exam
    with closing(Connection(settings.tracking_uri, settings.network, settings.login)) as server:
        there = exam.ask("mlflow", partial(_knock, server.http))
        if there and settings.credentials and exam.ask("mlflow-read", partial(_reads, server)):
            exam.writes = exam.ask("mlflow-write", partial(_writes, server))
    return exam


def _api(settings: Settings) -> Examination:
    exam = Examination()
    if not settings.api_url:
        said = "`tracking-uri` does not say where it is, and `api-url` is blank: it is not asked"
        exam.findings.append(Finding(check="api", said=said))
        return exam
    with closing(_http(settings)) as http:
        there = exam.ask("api", partial(_knock, http))
        if there and settings.credentials.key:
            exam.ask("api-read", partial(_lists, http))
            exam.writes = exam.ask("api-write", partial(_refused, http, api.ENDPOINT))
    return exam


def _event(settings: Settings, *, billed: bool) -> list[Finding]:
    """Ask whether a token may be announced; the service takes money for the question."""
    if not (settings.api_url and settings.credentials.key):
        return []
    if not billed:
        said = "nobody knows whether this key may announce a token: each question is billed"
        fix = "ask with --billed, if you register tokens"
        return [Finding(check="event", said=said, fix=fix, certain=False)]
    exam = Examination()
    with closing(_http(settings)) as http:
        exam.ask("event", partial(_refused, http, events.ENDPOINT))
    return softened(exam.findings, "only tokenized registrations need it")


def _http(settings: Settings) -> Http:
    key = settings.credentials.key
    return Http(settings.api_url, settings.network, Login.key(key) if key else Login.nobody())


def _knock(http: Http) -> str:
    """Say who answers, whatever it is; a redirect and a broken server are no answer."""
    answer = http.request("GET", "/version", Effect.READ)
    if 300 <= answer.status < 400 or answer.status == 407 or answer.status >= 500:  # noqa: PLR2004  # RFC 9110
        raise refusal(answer)
    return f"{http.where} answers, {_version(answer)}"


def _version(answer: Answer) -> str:
    told = answer.maybe_json()
    found = told.get("version") if isinstance(told, dict) else answer.body.decode(errors="replace")
    text = str(found or "").strip()
    known = answer.ok and 0 < len(text) <= VERSION
    return f"version {text}" if known else "and does not tell its version"


def _reads(server: Connection) -> str:
    server.probe("Default")
    return f"this login may read; the endpoints are below {server.api}"


def _writes(server: Connection) -> str:
    server.ask_to_write()
    return "this login may write"


def _lists(http: Http) -> str:
    http.request("GET", api.ENDPOINT, Effect.READ, params={"model_id": "-"}).json_object()
    return "this key may read baselines"


def _refused(http: Http, endpoint: str) -> str:
    """Say that the key may write there: it was taken, and the empty body refused."""
    answer = http.request("POST", endpoint, Effect.BILLED, json={})
    if answer.status in SHAPE:
        return "this key may write"
    answer.json_object()
    raise senseless(answer, "it takes an empty body: nobody knows what it makes of that")

"""However jobs of one key interleave, fail and die: one version, one run, the same answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import cast

import mlflow
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fake_mlflow import Client, Fate, Server
from fakes import FILES, SHA, Host, model
from hokusai_register.errors import RegisterError
from hokusai_register.model import Receipt
from hokusai_register.policy import POLICIES
from hokusai_register.registrars import terms
from hokusai_register.registrars.registration import Registration
from hokusai_register.registrars.registry import Registry
from hokusai_register.registrars.shelf import Shelf

MODEL = model(params={"depth": "3"}, alias="champion", experiment="churn")
JOBS = 3
CALLS = 25  # more than one registration makes
DEGRADES = tuple({kind for steps in POLICIES.values() for step in steps for kind in step.after})


class KilledError(BaseException):
    """What runs in a process that is killed: nothing."""


class Job(threading.Thread):
    """One registration, which makes a request only when it is told to; None among `fates` kills."""

    def __init__(self, server: Server, fates: Mapping[int, Fate | None]) -> None:
        super().__init__(daemon=True)
        self.client = Client(server, self._turn)
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None
        self._fates, self._calls, self._dead = fates, 0, False
        self._mine, self._back = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        self._mine.acquire()
        try:
            self.receipt = register(self.client)
        except BaseException as error:  # noqa: BLE001  # whatever it is, nobody waits for it
            self.error = error
        finally:
            self._back.release()

    def go(self) -> None:
        """Let it make one request."""
        self._mine.release()
        self._back.acquire()

    def _turn(self) -> Fate:
        self._back.release()
        self._mine.acquire()
        self._calls += 1
        fate = self._fates.get(self._calls, Fate.DONE)
        if fate is None or self._dead:
            self._dead = True
            raise KilledError
        return fate


def register(client: Client) -> Receipt:
    """Register as a step does that has asked for the experiment."""
    registry = Registry(cast("Shelf", client), sleep=lambda _: None)
    experiment = client.server.experiments.get(MODEL.experiment, "")
    return Registration(MODEL, SHA, registry, Host(), experiment).carry_out(FILES)


def race(server: Server, fates: Sequence[Mapping[int, Fate | None]], order: list[int]) -> list[Job]:
    """Run a job for each of `fates`: the next number of `order` says which makes a request."""
    jobs = [Job(server, fate) for fate in fates]
    turns = iter(order)
    for job in jobs:
        job.start()
    while waiting := [job for job in jobs if not (job.receipt or job.error)]:
        waiting[next(turns, 0) % len(waiting)].go()
    return jobs


def said(jobs: Sequence[Job]) -> list[tuple[str, str]]:
    """Return what the jobs say is registered now."""
    return [(job.receipt.model_version, job.receipt.run_id) for job in jobs if job.receipt]


def assert_whole(server: Server) -> None:
    (version,) = server.versions.values()
    (run,) = server.active()
    assert version.run_id == run.info.run_id
    assert (run.info.status, run.data.tags[terms.STATE]) == ("FINISHED", terms.COMPLETE)
    assert (run.data.metrics, run.data.params) == (MODEL.metrics, MODEL.params)
    assert server.aliases == {"champion": int(version.version)}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "MlflowClient", lambda uri, _: uri)


# Which job, and how many requests it makes before it is another one's turn.
BURSTS = st.tuples(st.integers(0, JOBS - 1), st.integers(1, 12))
ORDERS = st.lists(BURSTS, max_size=12).map(lambda all_: [job for job, n in all_ for _ in range(n)])
NO_FATES: list[dict[int, Fate | None]] = [{}] * JOBS
FATES = st.dictionaries(st.integers(1, CALLS), st.sampled_from([Fate.DROPPED, Fate.LOST, None]))


@settings(max_examples=200, deadline=None)
@given(ORDERS, st.lists(st.integers(1, CALLS), max_size=2), ORDERS)
@example([], [], [0, 2, 2, 2, 2]).via("a run is removed in which another job is at work")
@example([], [], [1] * 4 + [0] * 4 + [1] * 2).via("two log the same params at one moment")
@example([], [], [1] * 13).via("two set an alias at one moment")
@example([], [], [2] * 6 + [0] * 8 + [2] * 6).via("a double is removed by somebody else")
@example([1], [4, 5], [1, 1, 2, 2]).via("two runs are left by jobs that were killed")
def test_jobs_that_race_end_at_one_version_also_after_some_were_killed(
    before: list[int], killed: list[int], order: list[int]
) -> None:
    server = Server()
    race(server, [{call: None} for call in killed], before)
    jobs = race(server, NO_FATES, order)
    assert len(said(jobs)) == JOBS, [job.error for job in jobs]
    assert len(set(said(jobs))) == 1
    assert [job.receipt.created for job in jobs if job.receipt].count(True) <= 1
    assert killed or any(job.receipt.created for job in jobs if job.receipt)
    assert not any(job.receipt.remarks for job in jobs if job.receipt)
    assert_whole(server)
    assert "RUNNING" not in {run.info.status for run in server.runs.values()}


@settings(max_examples=200, deadline=None)
@given(ORDERS, st.lists(FATES, min_size=JOBS, max_size=JOBS))
@example([], [{14: None}, {6: Fate.DROPPED}, {}]).via("it is finished, and cannot be read back")
def test_jobs_that_race_fail_and_die_end_at_one_version_with_the_next(
    order: list[int], fates: list[dict[int, Fate | None]]
) -> None:
    server = Server()
    jobs = race(server, fates, order)
    last = race(server, [{}], [])
    assert len(set(said([*jobs, *last]))) == 1, last[0].error
    assert_whole(server)
    for job in jobs:
        assert isinstance(job.error, (RegisterError, KilledError, type(None))), repr(job.error)
        wrote = set(job.client.wrote) - {"create_experiment"}
        assert not (wrote and isinstance(job.error, DEGRADES)), "no other backend after a write"

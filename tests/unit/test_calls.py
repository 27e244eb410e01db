"""What is set around MLflow's calls is put back, however many threads are inside."""

from __future__ import annotations

import os
import threading

import pytest

from hokusai_register.registrars.calls import QUIET, quiet

LOUD = next(iter(QUIET))


@pytest.mark.parametrize("before", [None, "mine"])
def test_the_last_thread_puts_back(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if before is None:
        monkeypatch.delenv(LOUD, raising=False)
    else:
        monkeypatch.setenv(LOUD, before)
    entered, leave = threading.Event(), threading.Event()
    seen = []

    def other() -> None:
        with quiet():
            entered.set()
            leave.wait(10)
            seen.append(os.environ.get(LOUD))

    thread = threading.Thread(target=other)
    with quiet():
        thread.start()
        assert entered.wait(10)
    assert os.environ[LOUD] == QUIET[LOUD]  # the other one is still inside
    leave.set()
    thread.join(10)
    assert seen == [QUIET[LOUD]]
    assert os.environ.get(LOUD) == before

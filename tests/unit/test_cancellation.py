"""A signal is answered once: also one that came early, also where something hangs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from hokusai_register import cancellation
from hokusai_register.cancellation import Cancellation, Cancelled
from hokusai_register.errors import CancelledError


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in cancellation.SIGNALS}
    yield
    cancellation._held.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


def nothing(_: CancelledError) -> None:
    """Publish nowhere."""


def test_a_signal_that_came_before_anybody_listened_is_answered() -> None:
    cancellation.hold()
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    listening = Cancellation(nothing)
    with pytest.raises(Cancelled) as caught, listening:
        pytest.fail("it is not begun")
    listening.release()
    assert caught.value.error.exit_code == 128 + signal.SIGTERM


def test_only_the_first_signal_counts_and_time_is_short() -> None:
    listening = Cancellation(nothing)
    with pytest.raises(Cancelled) as caught, listening:
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    listening.release()
    assert caught.value.error.exit_code == 130
    assert listening.deadline.left() <= cancellation.GRACE


@pytest.mark.parametrize("signalled", [True, False])
def test_what_others_make_of_a_signal_is_a_signal_still(*, signalled: bool) -> None:
    listening = Cancellation(nothing)

    def work() -> None:
        try:
            if signalled:
                signal.raise_signal(signal.SIGHUP)
        finally:
            raise ImportError("no module of that name")

    with pytest.raises(Cancelled if signalled else ImportError), listening:
        work()
    listening.release()


def test_what_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    gone = threading.Event()
    said: list[CancelledError] = []

    def leave(code: int) -> None:
        left.append(code)
        gone.set()

    monkeypatch.setattr(cancellation, "LIMIT", 0.01)
    monkeypatch.setattr("os._exit", leave)
    listening = Cancellation(said.append)
    with pytest.raises(Cancelled), listening:
        signal.raise_signal(signal.SIGTERM)
    assert gone.wait(5)
    assert left == [143]
    assert len(said) == 1
    assert not listening.last_word(), "it was said already"


def test_what_cannot_be_said_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: CancelledError) -> None:
        raise OSError(28, "No space left on device")

    left: list[int] = []
    monkeypatch.setattr("os._exit", left.append)
    with pytest.raises(OSError, match="No space"):
        Cancellation(full)._leave(CancelledError("x", why="y", fix="z"))
    assert left == [CancelledError.exit_code]


def test_who_has_had_the_last_word_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os._exit", lambda _: pytest.fail("it was published already"))
    listening = Cancellation(lambda _: pytest.fail("a second time"))
    assert listening.last_word()
    listening._leave(CancelledError("x", why="y", fix="z"))


def test_whoever_is_released_is_not_ended_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "LIMIT", 0.01)
    monkeypatch.setattr("os._exit", lambda _: pytest.fail("it has gone on to other work"))
    listening = Cancellation(lambda _: pytest.fail("nobody asked any more"))
    with listening:
        listening.release()
        with pytest.raises(Cancelled):
            listening._on(signal.SIGTERM, None)
    assert not listening.last_word()

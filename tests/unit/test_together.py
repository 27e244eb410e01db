"""Many things at once: all done, or ended by the first failure; no thread and no item held."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from hokusai_register.http import Tally, beside, both, together

THREADS = 4


def nothing() -> None:
    """Have nothing to break off."""


def threads() -> int:
    return threading.active_count()


def test_every_item_is_done_once_and_several_at_once() -> None:
    done: list[int] = []
    meeting = threading.Barrier(THREADS, timeout=10)

    def work(item: int) -> None:
        meeting.wait()
        done.append(item)

    together(work, iter(range(3 * THREADS)), THREADS, nothing)
    assert sorted(done) == list(range(3 * THREADS))


def test_the_first_failure_ends_the_rest_and_is_what_the_caller_sees() -> None:
    before, stopped, begun = threads(), threading.Event(), itertools.count()

    def work(item: int) -> None:
        next(begun)
        if item == 0:
            raise ZeroDivisionError
        assert stopped.wait(10)
        raise KeyError

    with pytest.raises(ZeroDivisionError):
        together(work, itertools.count(), THREADS, stopped.set)
    assert next(begun) <= THREADS
    assert threads() == before


def test_items_that_cannot_be_made_are_a_failure() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        together(lambda _: None, items(), THREADS, nothing)


class Big:
    """Something of which few may be there at once."""


def test_no_more_is_held_than_is_worked_on() -> None:
    made: weakref.WeakSet[Big] = weakref.WeakSet()
    most: list[int] = []

    def items() -> Iterator[Big]:
        for _ in range(50):
            most.append(len(made))
            made.add(one := Big())
            yield one
            del one

    together(lambda _: None, items(), THREADS, nothing)
    assert max(most) < THREADS


def test_what_is_done_beside_a_block_has_ended_with_it() -> None:
    before, meeting = threads(), threading.Barrier(2, timeout=10)
    done: list[int] = []

    def work() -> None:
        meeting.wait()
        done.append(1)

    with beside(work):
        meeting.wait()
    assert (done, threads()) == ([1], before)


def test_its_failure_is_seen_when_the_block_is_done() -> None:
    done: list[int] = []

    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), beside(work):
        done.append(1)
    assert done == [1]


def test_a_block_that_fails_does_not_wait_for_what_is_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(together.__globals__, "PATIENCE", 0.01)
    over = threading.Event()
    with pytest.raises(LookupError), beside(over.wait):
        raise LookupError
    assert not over.is_set()
    over.set()


def test_two_things_at_once_return_what_each_returns() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def met(answer: str) -> str:
        meeting.wait()
        return answer

    assert both(lambda: met("mine"), lambda: met("other")) == ("mine", "other")


@pytest.mark.parametrize("first", [2, 0])
def test_either_of_two_things_may_fail(first: int) -> None:
    def fail() -> str:
        raise LookupError

    work: list[Callable[[], str]] = [str, str, fail]
    with pytest.raises(LookupError):
        both(work[first], work[first - 1])


def test_a_tally_takes_back_what_has_to_be_sent_again() -> None:
    told: list[int] = []
    tally = Tally(told.append)
    pieces = tally.counted([b"abc", b"de", b"f"])
    assert [next(pieces), next(pieces), sum(told)] == [b"abc", b"de", 3]
    tally.void()
    tally.void()
    assert told == [3, -3]

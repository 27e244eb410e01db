"""Several things at once: the first that fails ends the others, and is what the caller sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

PATIENCE = 1.0  # seconds that the threads get to end, once their work is broken off
T = TypeVar("T")
U = TypeVar("U")


def together(
    work: Callable[[T], object], items: Iterable[T], threads: int, stop: Callable[[], object]
) -> None:
    """Do `work` with all items, in so many threads; raise the first failure of any.

    One thread at a time takes an item. `stop` has to break off the work that goes on.
    """
    source, ended = _Source(items), _Ended()

    def share() -> None:
        with ended:
            while source.hand(work):
                pass

    # A daemon that waits where nothing reaches it cannot keep the process from its end.
    crew = [threading.Thread(target=share, daemon=True) for _ in range(threads)]
    whole = False
    try:
        for thread in crew:
            thread.start()
        for _ in crew:
            if failed := ended.queue.get():
                raise failed
        whole = True
    finally:
        if not whole:  # a failure, or a signal
            source.dry = True
            stop()
            until = time.monotonic() + PATIENCE
            for thread in crew:
                if thread.ident:
                    thread.join(max(until - time.monotonic(), 0))


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do `work` in a thread beside the block, and raise its failure when the block is done."""
    ended = _Ended()

    def share() -> None:
        with ended:
            work()

    thread = threading.Thread(target=share, daemon=True)
    thread.start()
    try:
        yield
        thread.join()
    finally:
        thread.join(PATIENCE)
    if failed := ended.queue.get():
        raise failed


def both(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
    """Do two things at once, the second one in a thread, and return what they return."""
    returned: list[U] = []
    with beside(lambda: returned.append(second())):
        mine = first()
    return mine, returned[0]


class _Source(Generic[T]):
    """Items that several threads take from."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._lock = threading.Lock()
        self.dry = False

    def hand(self, work: Callable[[T], object]) -> bool:
        """Do `work` with the next item, which nobody holds any longer then; False without one."""
        with self._lock:
            if self.dry:
                return False
            try:
                item = next(self._items)
            except StopIteration:
                return False
        work(item)
        return True


class _Ended(AbstractContextManager[None]):
    """Hands on how each thread ended: with its failure, or None."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[BaseException | None] = SimpleQueue()

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        self.queue.put(error)
        return True

"""What goes out and comes in piece by piece: made anew for each try, counted and hashed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to send: how many, their SHA-256 in hex (for a login that signs), and their pieces."""

    size: int
    sha256: str
    pieces: Callable[[], Generator[bytes, None, None]]
    headers: Mapping[str, str] = field(default_factory=dict)


class Tally:
    """Tells `sent` of bytes, from one thread at a time, and can take them back."""

    def __init__(self, sent: Callable[[int], None]) -> None:
        self._sent, self._told = sent, 0
        self._turn = threading.Lock()

    def tell(self, size: int) -> None:
        """Count `size` more bytes."""
        with self._turn:
            self._told += size
            self._sent(size)

    def void(self) -> None:
        """Take back all: it has to be sent again."""
        if self._told:
            self.tell(-self._told)

    def counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `pieces`, and count each when the next one is asked for: it has gone."""
        for piece in pieces:
            yield piece
            self.tell(len(piece))


class Measure:
    """A SHA-256 and a size that grow together."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.sha, self.size = hashlib.sha256(), 0

    def update(self, piece: bytes) -> None:
        """Take one piece more."""
        self.sha.update(piece)
        self.size += len(piece)

"""How many files are sent at once, and over which connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from hokusai_register.files import Parcel
from hokusai_register.http import Http, together

LARGE = 32 << 20  # bytes of a file that keeps a line busy by itself
MANY, FEW = 8, 3  # files at once: small ones, each of which waits for an answer; large ones


def send(
    parcels: Sequence[Parcel],
    put: Callable[[Http, Parcel], None],
    http: Http,
    connect: Callable[[], Http],
) -> None:
    """Do `put` with all files, or raise the first failure; `http` is for one that is alone."""
    small = [parcel for parcel in parcels if parcel.file.size < LARGE]
    large = [parcel for parcel in parcels if parcel.file.size >= LARGE]
    for some, most in ((small, MANY), (large, FEW)):
        if len(some) == 1:
            put(http, some[0])
        elif some:
            # Connections of their own can be broken off without harm to others, such as a thread
            # that logs while a training script uploads.
            with closing(connect()) as own:
                together(partial(put, own), some, min(most, len(some)), own.stop)

"""The files of one registration: sent to their place, and found there again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from hokusai_register.artifact import open_file
from hokusai_register.files import Parcel
from hokusai_register.model import Artifact, File
from hokusai_register.register import Watcher
from hokusai_register.registrars import names, readback
from hokusai_register.registrars.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Upload:
    """Takes the files of `artifact` to `path`, and `mlmodel` with them if it lacks its own."""

    artifact: Artifact
    mlmodel: bytes
    shelf: Shelf
    path: str

    def carry_out(self, watcher: Watcher, kept: Callable[[], object]) -> None:
        """Send all files, and raise unless they are there; `kept` hears that one is."""
        sizes = readback.sizes(self.artifact, self.mlmodel)
        watcher.begins(sum(sizes.values()))
        self.shelf.put([*self._parcels()], watcher.advances, kept)
        readback.files(self.shelf, self.path, sizes)
        names.fetch_back(self.shelf, self.path, self.artifact)

    def _parcels(self) -> Iterator[Parcel]:
        for file in self.artifact.files:
            opened = partial(open_file, self.artifact.root, file.path)
            yield Parcel(f"{self.path}/{file.path}", file, opened)
        if not self.artifact.is_mlmodel:
            digest = hashlib.sha256(self.mlmodel).hexdigest()
            file = File("MLmodel", len(self.mlmodel), digest)
            yield Parcel(f"{self.path}/MLmodel", file, partial(io.BytesIO, self.mlmodel))

"""The files of one registration: sent to their place, and found there again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from hokusai_register.artifact import open_file
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

    def carry_out(self, watcher: Watcher, kept: Callable[[], None]) -> None:
        """Send all files, and raise unless they are there; `kept` hears that something is."""
        watcher.sending(self.artifact.size)
        for file in self.artifact.files:
            self._put(file, watcher)
            kept()
        if not self.artifact.is_mlmodel:
            extra = self.mlmodel
            file = File("MLmodel", len(extra), hashlib.sha256(extra).hexdigest())
            self.shelf.put(f"{self.path}/MLmodel", file, lambda: io.BytesIO(extra), lambda _: None)
        sizes = readback.sizes(self.artifact, self.mlmodel)
        readback.files(self.shelf, self.path, sizes)
        names.fetch_back(self.shelf, self.path, self.artifact)

    def _put(self, file: File, watcher: Watcher) -> None:
        def source() -> BinaryIO:
            return open_file(self.artifact.root, file.path)

        self.shelf.put(f"{self.path}/{file.path}", file, source, watcher.sent)

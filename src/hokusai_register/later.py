"""Lets what MLflow has for language models, FastAPI included, wait until somebody uses it.

It is two fifths of MLflow's import, and nothing of it registers a model.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ALONE = frozenset({"mlflow.gateway"})  # packages whose parts work without them
FIRST = frozenset({"mlflow.genai"})  # packages that have to be run before their parts


def wait() -> None:
    """Let these packages wait, for as long as this process lives."""
    sys.meta_path.insert(0, Finder(ALONE, FIRST))


class Finder:
    """Finds packages that run when something is asked of them that is not there yet.

    Whoever asks for a part of one of those `first` asks for its `__path__`.
    """

    def __init__(self, alone: Collection[str], first: Collection[str]) -> None:
        self._alone, self._first = alone, first

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a package is that may wait; None for all others (`sys.meta_path`)."""
        if fullname not in self._alone and fullname not in self._first:
            return None
        spec: Any = PathFinder.find_spec(fullname, path)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader, hide=fullname in self._first)
        found: ModuleSpec | None = spec
        return found


class _Loader:
    def __init__(self, real: Any, *, hide: bool) -> None:
        self._real, self._hide = real, hide

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._real.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Let the module wait."""
        module.__spec__.loader = module.__loader__ = self
        module.__class__ = _Waiting
        if self._hide:
            del module.__path__

    def run(self, module: Any) -> None:
        """Run it; one that fails, as parts of MLflow do that import each other, waits again."""
        module.__class__ = ModuleType
        module.__spec__.loader = module.__loader__ = self._real
        module.__path__ = module.__spec__.submodule_search_locations
        with ExitStack() as otherwise:
            otherwise.callback(self.exec_module, module)
            self._real.exec_module(module)
            otherwise.pop_all()


class _Waiting(ModuleType):
    def __getattr__(self, name: str) -> Any:
        waiting: Any = self.__loader__
        waiting.run(self)
        return getattr(self, name)

"""What was made twice under one key: the lowest version stays, with its run; the rest is removed.

Jobs that race make two of a thing, and the loser removes its own. What a loser left behind that was
killed, the next run of the same registration removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_register.errors import RegisterError
from hokusai_register.registrars.registry import Registry


@dataclass(frozen=True, slots=True)
class Doubles:
    """The doubles of the version `winner`, which was made under `key`."""

    registry: Registry
    winner: Any
    key: str

    def withdraw(self, made: Any | None, run_id: str, experiment_id: str) -> list[str]:
        """Remove what this job made: a version and a run, or whatever run it may have made."""
        try:
            runs = [run_id] if run_id else self._runs(experiment_id)
            self._remove([made] if made else [], runs)
        except RegisterError as error:
            return [self._told(f"could not be removed ({error.why})")]
        return []

    def tidy(self, versions: Sequence[Any], experiment_id: str) -> list[str]:
        """Remove what killed jobs left, but no version that somebody has given an alias to."""
        try:
            used = [one for one in versions if self.registry.version(one.name, one.version).aliases]
            theirs = {version.run_id for version in used}
            runs = [run_id for run_id in self._runs(experiment_id) if run_id not in theirs]
            self._remove([one for one in versions if one not in used], runs)
        except RegisterError:
            return []  # the next run looks again
        return [self._told(f"{version.version} has an alias") for version in used]

    def _remove(self, versions: Sequence[Any], runs: Sequence[str]) -> None:
        for version in versions:
            self.registry.remove_version(version.name, version.version)
        for run_id in runs:
            if run_id != self.winner.run_id:
                self.registry.remove_run(run_id)

    def _runs(self, experiment_id: str) -> list[str]:
        found = self.registry.find_runs(experiment_id, self.key) if experiment_id else []
        return [str(run.info.run_id) for run in found]

    def _told(self, why: str) -> str:
        return f"version {self.winner.version} has a double, and it {why}: delete it by hand"

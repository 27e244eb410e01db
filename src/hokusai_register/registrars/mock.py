"""Pretends, stores nothing, and says so: for tests of a workflow, and where that was agreed to."""

from __future__ import annotations

from collections.abc import Sequence

from hokusai_register.model import Artifact, Attempt, Backend, Model, Receipt


class Mock:
    """No place at all. It gives out no id, so that none can be taken for a real one."""

    def register(self, model: Model, _: Sequence[Attempt]) -> Receipt:
        """Return the receipt of a simulation."""
        source = model.source
        return Receipt(
            backend=Backend.MOCK,
            host="nowhere",
            created=False,
            digest=source.digest if isinstance(source, Artifact) else "",
        )

    def check(self, model: Model) -> tuple[str, ...]:
        """Say that it would simulate."""
        return (f"would simulate a registration of {model.name}",)

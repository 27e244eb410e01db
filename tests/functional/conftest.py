"""What all functional tests share: one running sandbox."""

from collections.abc import Iterator

import pytest

from sandboxes import Sandbox, running


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for the whole session; name things uniquely, others use it too."""
    with running(tmp_path_factory.mktemp("sandbox") / "a place #1 50% ?") as started:
        yield started

"""No sockets, and how long Hypothesis looks: a moment, or minutes with `make properties`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

# No deadline for a single example: it is the machine that is slow, not the code.
settings.register_profile("moment", max_examples=25, deadline=None)
settings.register_profile("minutes", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "moment"))


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    # asyncio, under the gateway's tests, wakes its loop through a pair of Unix sockets.
    if "enable_socket" not in request.keywords:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()

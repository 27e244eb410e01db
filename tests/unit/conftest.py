"""No sockets, and how long Hypothesis looks: `HYPOTHESIS_PROFILE=ci` for minutes, not seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

# No deadline for a single example: it is the machine that is slow, not the code.
settings.register_profile("unit", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    # asyncio, under the gateway's tests, wakes its loop through a pair of Unix sockets.
    if "enable_socket" not in request.keywords:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()

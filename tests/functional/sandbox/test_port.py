"""The port of the MLflow server behind the sandbox."""

from __future__ import annotations

import errno
import socket

import pytest

from hokusai_register.sandbox import child


def test_a_port_is_none_that_the_system_hands_out() -> None:
    port = child.free_port()
    assert port in child.PORTS
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_a_port_that_is_taken_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = child.free_port()
    monkeypatch.setattr(child, "PORTS", range(taken, taken + 1))
    monkeypatch.setattr(child, "TRIES", 1)
    with socket.create_server(("127.0.0.1", taken)):
        with pytest.raises(OSError, match="in use") as caught:
            child.free_port()
        assert caught.value.errno == errno.EADDRINUSE
    assert child.free_port() == taken

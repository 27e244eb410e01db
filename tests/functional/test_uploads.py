"""Many files at once: all arrive, each counts once, and the first that fails ends the others."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import mlflow
import pytest

from functional.fault_server import FaultServer, Reply, as_json, faulty, on
from hokusai_register.errors import RegisterError, RejectedError, UnconfirmedError
from hokusai_register.files import Parcel
from hokusai_register.http import Body, Http, Login, Network, both, together
from hokusai_register.mlflow_plugin import sending
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.mlflow_plugin.sending import FEW, MANY
from hokusai_register.model import File, sha256_hex

REFUSED = Reply(status=400, body=b"{}")


def parcel(name: str, content: bytes) -> Parcel:
    file = File(name, len(content), sha256_hex(content.decode()))
    return Parcel(f"run/{name}", file, partial(io.BytesIO, content))


PARCELS = [parcel(f"{number:02}.bin", b"x" * 100 * number) for number in range(40)]
SIZE = sum(parcel.file.size for parcel in PARCELS)


def put(server: FaultServer, parcels: Sequence[Parcel] = PARCELS) -> tuple[list[int], int]:
    """Upload, and return what was counted and how many files are kept."""
    counted: list[int] = []
    kept: list[None] = []
    connection = Connection(server.url, Network(), Login.nobody())
    try:
        connection.put(parcels, counted.append, partial(kept.append, None))
    finally:
        connection.close()
    return counted, len(kept)


def test_all_files_arrive_over_a_few_connections() -> None:
    with faulty(lambda _: Reply(status=200)) as server:
        counted, kept = put(server)
    assert (sum(counted), kept) == (SIZE, len(PARCELS))
    sent = {asked.path.rpartition("/")[2]: len(asked.body) for asked in server.asked}
    assert sent == {parcel.file.path: parcel.file.size for parcel in PARCELS}
    assert 1 < server.connections <= MANY


def test_one_file_needs_no_connection_of_its_own() -> None:
    with faulty(lambda _: Reply(status=200)) as server:
        connection = Connection(server.url, Network(), Login.nobody())
        for one in PARCELS[:3]:
            connection.put([one], lambda _: None, lambda: None)
        connection.close()
    assert server.connections == 1


@pytest.mark.usefixtures("hasty")
def test_a_file_that_is_sent_again_counts_once() -> None:
    with faulty(lambda _: Reply(status=200)) as server:
        refuse = on("17.bin", Reply(status=503), times=2)
        server.script = lambda asked: refuse(asked) or Reply(status=200)
        counted, kept = put(server)
    assert len(server.seen("17.bin")) == 3
    assert (sum(counted), kept) == (SIZE, len(PARCELS))


def refusing_beside(others: Reply) -> Callable[[object], Reply]:
    """A server that refuses the first file once it has begun to answer another one."""
    begun = threading.Event()

    def script(asked: object) -> Reply:
        if "00.bin" in str(asked):
            begun.wait(10)
            return REFUSED
        begun.set()
        return others

    return script


def test_the_first_refusal_ends_the_rest() -> None:
    before = threading.active_count()
    with faulty(refusing_beside(Reply(hang=20))) as server:
        with pytest.raises(RejectedError):
            put(server)
        alive = [thread for thread in threading.enumerate() if "share" in thread.name]
    assert alive == []
    assert len(server.asked) <= MANY
    assert threading.active_count() <= before + MANY  # the server's own


def test_what_another_thread_asks_for_meanwhile_is_left_alone() -> None:
    experiment = {"experiment_id": "7", "name": "churn"}
    asked_for = as_json({"experiment": experiment})
    refuse = refusing_beside(replace(asked_for, hang=1))
    with faulty(refuse) as server:
        connection = Connection(server.url, Network(), Login.nobody())

        def upload() -> None:
            with pytest.raises(RejectedError):
                connection.put(PARCELS[:2], lambda _: None, lambda: None)

        found, _ = both(lambda: connection.probe("churn"), upload)
        connection.close()
    assert found == experiment


def test_a_pause_before_the_next_try_can_be_broken_off() -> None:
    later = Reply(status=503, headers={"Retry-After": "30"})
    with faulty(refusing_beside(later)) as server, pytest.raises(RejectedError):
        put(server)
    assert [thread for thread in threading.enumerate() if "share" in thread.name] == []


def test_few_large_files_are_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LARGE", 1000)
    with faulty(lambda _: Reply(status=200)) as server:
        counted, kept = put(server, PARCELS[10:])
    assert (sum(counted), kept) == (SIZE - sum(p.file.size for p in PARCELS[:10]), 30)
    assert server.connections <= FEW


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections, and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("pieces", [1, 64])
def test_what_waits_for_a_server_can_be_broken_off(silent: str, pieces: int) -> None:
    """Its one byte has gone and no answer comes; or it cannot get rid of what it has."""
    before, begun = threading.active_count(), threading.Event()
    http = Http(silent, Network(), Login.nobody())
    size = 1 if pieces == 1 else 1 << 20

    def content() -> Generator[bytes, None, None]:
        yield bytes(size)
        begun.set()  # the connection stands, and has carried a piece
        for _ in range(pieces - 1):
            yield bytes(size)

    body = Body(pieces * size, "0" * 64, content)

    def work(item: int) -> None:
        if item == 0:
            assert begun.wait(10)
            raise RejectedError("no", why="a test says so", fix="none")
        http.upload("/x", body, lambda _: None)

    with pytest.raises(RejectedError):
        together(work, range(2), 2, http.stop)
    assert threading.active_count() == before
    with pytest.raises(RegisterError) as caught:  # for good: nothing is sent any more
        http.upload("/x", body, lambda _: None)
    assert isinstance(caught.value, UnconfirmedError)
    http.close()


def test_the_plugin_sends_a_directory_so(
    key: str, tmp_path: Path, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        file = tmp_path / "files" / f"d{number % 3}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(1000 + number))
    monkeypatch.setenv("HOKUSAI_API_KEY", key)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"hokusai+{proxy.url}/api/mlflow")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "files"), "all")
    listed = mlflow.MlflowClient().list_artifacts(run.info.run_id, "all/d1")
    wanted = {f"all/d1/{number}.bin": 1000 + number for number in range(1, 20, 3)}
    assert {info.path: info.file_size for info in listed} == wanted
    assert len(proxy.seen("PUT")) == 20

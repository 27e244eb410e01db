"""Large files in parts: who offers it, what a store is told, and what is left when it fails."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from functional.fault_server import Asked, FaultServer, Reply, as_json, faulty, on
from functional.servers import closed
from hokusai_register import files
from hokusai_register.errors import FileError, RegisterError, UnconfirmedError
from hokusai_register.files import Parcel
from hokusai_register.http import Http, Login, Network
from hokusai_register.mlflow_plugin import multipart
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.mlflow_plugin.multipart import Multipart
from hokusai_register.model import File, Secret, sha256_hex

KEY = "hk_live_0123456789abcdef"
SIGNED = "0badc0de" * 8
PART = 1000  # bytes
TEXT = "weights " * 500
STORED = Reply(headers={"ETag": '"etag"'})


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "SMALLEST", PART)
    monkeypatch.setattr(multipart, "PART", PART)
    monkeypatch.setattr(files, "CHUNK", PART // 2)  # so that a part is more than usual here, too


def parcel(name: str = "model.bin", content: str = TEXT, hashed: str = TEXT) -> Parcel:
    file = File(name, len(hashed), sha256_hex(hashed))
    return Parcel(f"run/model/{name}", file, partial(io.BytesIO, content.encode()))


def addresses(store: str) -> Callable[[Asked], Reply]:
    """Answer as a server does that offers parts at `store`."""

    def answer(asked: Asked) -> Reply:
        if "mpu/create" not in str(asked):
            return as_json({})
        count = json.loads(asked.body)["num_parts"]
        parts = [
            {"url": f"{store}/b/x?partNumber={n}&Signature={SIGNED}", "part_number": n}
            for n in range(1, count + 1)
        ]
        return as_json({"upload_id": "u1", "credentials": parts})

    return answer


@contextmanager
def both(stored: Callable[[Asked], Reply | None] = lambda _: STORED) -> Iterator[list[FaultServer]]:
    """Run a server and its store."""
    with faulty(lambda asked: stored(asked) or STORED) as store, faulty() as server:
        server.script = addresses(store.url)
        yield [server, store]


def put(server: FaultServer, *parcels: Parcel) -> int:
    """Upload, and return how many bytes are counted."""
    counted: list[int] = []
    connection = Connection(server.url, Network(jitter=lambda *_: 0.0), Login.key(Secret(KEY)))
    try:
        connection.put(parcels or [parcel()], counted.append, lambda: None)
    finally:
        connection.close()
    return sum(counted)


def steps(server: FaultServer) -> list[str]:
    """Return what a server was asked to do with parts, and how else it was asked."""
    said = [str(asked) for asked in server.asked]
    return [s.split("/mpu/")[1].split("/")[0] if "/mpu/" in s else s.split()[0] for s in said]


def test_the_parts_go_to_the_store_and_nothing_else_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with both() as (server, store):
        assert put(server) == len(TEXT)
    parts = {asked.path.partition("partNumber=")[2][:1]: asked for asked in store.asked}
    assert b"".join(parts[number].body for number in sorted(parts)).decode() == TEXT
    assert not {"authorization", "x-api-key", "cookie"} & {
        n for a in store.asked for n in a.headers
    }
    assert KEY not in str([asked.headers for asked in store.asked])
    assert steps(server) == ["create", "complete"]
    assert all(asked.headers["x-api-key"] == KEY for asked in server.asked)
    told = json.loads(server.asked[-1].body)
    assert (told["path"], told["upload_id"]) == ("model.bin", "u1")
    assert [part["part_number"] for part in told["parts"]] == [1, 2, 3, 4]
    assert {part["etag"] for part in told["parts"]} == {'"etag"'}
    assert "HTTP Request: PUT" in caplog.text
    assert SIGNED not in caplog.text


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_a_server_that_does_not_offer_it_is_asked_once_and_gets_the_files(status: int) -> None:
    refuse = on("mpu/create", Reply(status=status))
    with faulty(lambda asked: refuse(asked) or as_json({})) as server:
        assert put(server, parcel("a.bin"), parcel("b.bin")) == 2 * len(TEXT)
    assert [asked.method for asked in server.asked] == ["POST", "PUT", "PUT"]


def test_small_files_are_no_matter_for_it() -> None:
    with both() as (server, store):
        put(server, parcel("a.bin", "x", "x"))
    assert [asked.method for asked in server.asked] == ["PUT"]
    assert store.asked == []


@pytest.mark.parametrize(
    ("server", "store", "goes"),
    [
        ("https://a.example/api", "https://store.example", True),
        ("https://a.example/api", "http://store.example", False),
        ("http://127.0.0.1:5000", "http://store.example", False),
        ("http://a.example/api", "http://store.example", True),  # the model goes so already
        ("https://a.example/api", "http://127.0.0.1:9000", True),
        ("https://a.example/api", "https://me:secret@store.example", False),
        ("https://a.example/api", "https://", False),
        ("https://a.example/api", "ftp://store.example", False),
        ("http://a.example/api", "file://store.example", False),
    ],
)
def test_a_model_does_not_go_to_a_store_in_the_clear(server: str, store: str, goes: bool) -> None:
    http = Http(server, Network(), Login.nobody())
    assert Multipart(lambda: http, lambda *_: "", Network())._may_go_to(store) is goes
    http.close()


@pytest.mark.parametrize("store", [closed(), "http://store.example"], ids=["closed", "clear"])
def test_a_store_that_is_out_of_reach_or_in_the_clear_gets_nothing(store: str) -> None:
    with faulty(addresses(store)) as server:
        assert put(server) == len(TEXT)
    assert steps(server) == ["create", "abort", "PUT"]
    assert server.asked[-1].body.decode() == TEXT


def test_a_store_that_may_not_have_the_model_is_not_even_asked() -> None:
    with both() as (server, store):
        server.script = addresses(store.url.replace("//", "//me:secret@"))
        assert put(server) == len(TEXT)
    assert store.asked == []
    assert steps(server) == ["create", "abort", "PUT"]


def test_a_part_that_fails_is_sent_again_alone() -> None:
    with both(on("PUT", Reply(status=503), times=1)) as (server, store):
        assert put(server) == len(TEXT)
    assert len(store.asked) == 5
    assert steps(server) == ["create", "complete"]


def test_addresses_that_have_expired_are_asked_for_again_once() -> None:
    with both(on("PUT", Reply(status=403), times=1)) as (server, _):
        assert put(server) == len(TEXT)
    assert steps(server) == ["create", "abort", "create", "complete"]


SAID = f"<Error><Code>AccessDenied</Code><StringToSign>{SIGNED}</StringToSign></Error>"


@pytest.mark.parametrize(
    ("status", "creates", "why"),
    [(403, 2, "HTTP 403 (AccessDenied)"), (400, 1, "HTTP 400"), (503, 1, "HTTP 503")],
)
def test_a_store_that_refuses_for_good_is_named_and_leaves_nothing(
    status: int, creates: int, why: str
) -> None:
    reply = Reply(status=status, body=SAID.encode())
    with both(lambda _: reply) as (server, store), pytest.raises(RegisterError) as caught:
        put(server)
    assert steps(server) == ["create", "abort"] * creates
    assert store.url.removeprefix("http://") in caught.value.what
    assert why in caught.value.why
    shown = "".join(traceback.format_exception(caught.value))
    assert SIGNED not in shown


def losing(server: FaultServer, times: int) -> None:
    lose, answer = on("mpu/complete", Reply(reset=True), times), server.script
    server.script = lambda asked: lose(asked) or answer(asked)


def test_a_lost_answer_to_the_last_step_is_made_certain() -> None:
    with both() as (server, _):
        losing(server, 1)
        assert put(server) == len(TEXT)
    assert steps(server) == ["create", "complete", "abort", "create", "complete"]


def test_a_last_step_that_nobody_knows_of_is_not_taken_for_done() -> None:
    with both() as (server, _):
        losing(server, 9)
        with pytest.raises(UnconfirmedError):
            put(server)
    assert steps(server) == ["create", "complete", "abort"] * 2


@pytest.mark.parametrize("now", [TEXT.replace("w", "W", 1), TEXT[:-1], TEXT + "!", TEXT[:-1] + "!"])
def test_a_file_that_is_not_what_was_hashed_is_never_completed(now: str) -> None:
    with both() as (server, _), pytest.raises(FileError, match="changed"):
        put(server, parcel(content=now))
    assert steps(server) == ["create", "abort"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"credentials": 3},
        {"credentials": ["x"]},
        {"credentials": [{"url": "http://127.0.0.1", "part_number": 1}]},
        {"credentials": [{"url": "http://h/\n", "part_number": n} for n in (1, 2, 3, 4)]},
        {
            "credentials": [
                {"url": "http://h", "part_number": n, "headers": 5} for n in (1, 2, 3, 4)
            ]
        },
        {"credentials": [{"url": 7, "part_number": n} for n in (1, 2, 3, 4)]},
        {"credentials": [{"url": f"http://h{n}", "part_number": n} for n in (1, 2, 3, 4)]},
    ],
)
def test_an_answer_of_another_shape_is_no_offer(answer: object) -> None:
    create = on("mpu/create", as_json(answer))
    with faulty(lambda asked: create(asked) or as_json({})) as server:
        assert put(server) == len(TEXT)
    assert steps(server) == ["create", "PUT"]
    assert server.asked[-1].body.decode() == TEXT


def test_many_parts_have_a_long_answer() -> None:
    with both() as (server, store):
        text = "x" * PART * 3000
        server.script = addresses(f"{store.url}/{'y' * 500}")
        assert put(server, parcel(content=text, hashed=text)) == len(text)
    assert len(store.asked) == 3000

"""What `make bench` measures with: programs in turns, a line that counts, peers alike."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient

from bench import crowd, machine
from bench.line import line
from bench.peers.values import ALIAS, METRICS, PARAMS, TAGS
from bench.setting import PEERS
from bench.turns import Program, ProgramError, in_turns, run
from functional.fault_server import Reply, as_json, faulty
from functional.runner import unique
from sandboxes import Sandbox


def python(code: str, **more: str) -> Program:
    return Program("it", lambda name: (sys.executable, "-c", code, name), **more)  # type: ignore[arg-type]


def test_who_begins_a_round_changes(tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = f"import sys; open({str(said)!r}, 'a').write(sys.argv[2])"
    programs = [
        Program(name, lambda turn, name=name: (sys.executable, "-c", code, turn, name))  # type: ignore[misc]
        for name in "abc"
    ]
    costs = in_turns(programs, 3)
    assert said.read_text() == "abcbcacab"
    assert {name: len(found) for name, found in costs.items()} == {"a": 3, "b": 3, "c": 3}


def test_no_turn_has_the_name_of_another(tmp_path: Path) -> None:
    code = f"import sys, os; os.mkdir(os.path.join({str(tmp_path)!r}, sys.argv[1]))"
    in_turns([python(code), python(code)], 2)
    assert len(list(tmp_path.iterdir())) == 4


def test_files_lie_in_memory_where_it_has_room() -> None:
    assert machine.scratch(1 << 60) == Path(tempfile.gettempdir())
    assert machine.scratch(1).is_dir()


def test_what_a_turn_took() -> None:
    cost = run(python("held = b'.' * (400 << 20)"))
    assert cost.peak > 400
    assert cost.wall > 0 < cost.cpu


@pytest.mark.parametrize(
    ("code", "says"),
    [("print('oh no'); raise SystemExit(3)", ""), ("print('oh no')", "oh yes")],
    ids=["fails", "says something else"],
)
def test_what_did_not_work_is_not_measured(code: str, says: str) -> None:
    with pytest.raises(ProgramError, match="oh no"):
        run(python(code, says=says))


def test_a_line_counts_requests_and_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("bench.line.time.sleep", waits.append)
    with faulty(lambda _: as_json({})) as server, line(server.url, 0.05) as opened:
        for _ in range(2):
            opened.begin()
            with httpx.Client(base_url=opened.url) as client:
                client.get("/small")
                client.put("/large", content=bytes(10_000_000))
    assert opened.requests == len(server.asked) == 4
    assert waits.count(0.05) == 6  # one for each, and one for each connection
    assert len(opened.idle) == 2
    assert opened.waited > 0


def test_a_request_without_an_answer_ends_too() -> None:
    with faulty(lambda _: Reply(reset=True)) as server, line(server.url) as opened:
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                httpx.get(opened.url)
        taken = opened.waited
        with pytest.raises(httpx.TransportError):
            httpx.get(opened.url)
        assert opened.waited > taken


def test_copies_of_a_version_can_be_found(sandbox: Sandbox, client: MlflowClient) -> None:
    name = unique("crowd")
    experiment = client.create_experiment(unique("crowd"))
    made = client.create_run(experiment, tags={"hokusai.idempotency_key": "hk1-" + "a" * 64})
    client.create_registered_model(name)
    tags = dict(made.data.tags)
    client.create_model_version(name, f"{made.info.artifact_uri}/model", made.info.run_id, tags)
    crowd.multiply(sandbox.directory / "mlflow.db", name, 3)
    versions = client.search_model_versions(f"name = '{name}'")
    assert sorted(int(version.version) for version in versions) == [1, 2, 3]
    assert len({version.tags["hokusai.idempotency_key"] for version in versions}) == 3
    for version in versions:
        assert client.get_run(version.run_id).data.tags == version.tags


@pytest.mark.parametrize("script", ["naive", "client", "raw"])
def test_every_peer_registers_the_same(
    sandbox: Sandbox, client: MlflowClient, tmp_path: Path, script: str
) -> None:
    (tmp_path / "weights.bin").write_bytes(b"weights")
    name, experiment = unique("model"), unique("experiment")
    client.create_experiment(experiment)
    command = (sys.executable, PEERS / f"{script}.py", sandbox.mlflow_url, tmp_path)
    subprocess.run([*command, name, experiment], check=True, capture_output=True)
    version = client.get_model_version_by_alias(name, ALIAS)
    found = client.get_run(version.run_id)
    assert (found.data.metrics, found.data.params) == (
        METRICS,
        {key: str(value) for key, value in PARAMS.items()},
    )
    assert TAGS.items() <= found.data.tags.items()
    assert version.tags == TAGS
    assert found.info.status == "FINISHED"
    assert [file.path for file in client.list_artifacts(version.run_id, "model")] == [
        "model/weights.bin"
    ]

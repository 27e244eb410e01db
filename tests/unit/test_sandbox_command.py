"""The command line manages keys without ever showing one twice, and says why it will not start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hokusai_register.sandbox import command
from hokusai_register.sandbox.addresses import Addresses
from hokusai_register.sandbox.command import main
from hokusai_register.sandbox.keys import Keys


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".hokusai-sandbox"


def test_create_prints_the_key_alone(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create"]) == 0
    out, err = capsys.readouterr()
    record = Keys(directory / "keys.db").find(out.removesuffix("\n"))
    assert record
    assert (record.opens_registry, record.may_write) == (True, True)
    assert "registry:admin, model:write" in err
    assert out.strip() not in err


def test_create_takes_a_balance(directory: Path) -> None:
    main(["keys", "create", "--balance", "1"])
    main(["keys", "create"])
    keys = Keys(directory / "keys.db")
    assert [keys.pay(1, 1), keys.pay(1, 0), keys.pay(2, 1)] == [True, False, True]


def test_create_takes_a_name_and_scopes(directory: Path) -> None:
    main(["keys", "create", "--name", "ci", "--scope", "model:read", "--scope", "x"])
    (record,) = Keys(directory / "keys.db").list()
    assert (record.name, record.scopes) == ("ci", ("model:read", "x"))


def test_list_and_revoke(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "create", "--name", "ci"])
    key = capsys.readouterr().out.strip()
    main(["keys", "list"])
    listed = capsys.readouterr().out
    assert "1  ci  model:write,registry:admin  20" in listed
    assert "in force" in listed
    assert main(["keys", "revoke", "1"]) == 0
    assert main(["keys", "revoke", "1"]) == 1
    assert "no key in force has this number" in capsys.readouterr().err
    main(["keys", "list"])
    listed += capsys.readouterr().out
    assert "revoked 20" in listed
    assert key not in listed
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("before", [True, False])
def test_the_directory_may_stand_in_either_place(tmp_path: Path, *, before: bool) -> None:
    given = ["--directory", str(tmp_path / "d")]
    arguments = [*given, "keys", "create"] if before else ["keys", "create", *given]
    assert main(arguments) == 0
    assert (tmp_path / "d" / "keys.db").exists()


@pytest.mark.parametrize("arguments", [["keys", "list"], ["keys", "revoke", "1"]])
def test_looking_makes_nothing(
    directory: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert "there are no keys in" in capsys.readouterr().err
    assert not directory.exists()


def test_says_what_to_install(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", {"mlflow": 1, "starlette": 1, "uvicorn": 1}.get)
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err) == ("", False)
    assert "it needs flask" in err
    assert "pip install 'hokusai-register-model[sandbox]'" in err
    assert not directory.exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104 - refused
def test_listens_to_others_only_when_told_so(
    directory: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--host", host]) == 1
    assert "--allow-remote" in capsys.readouterr().err
    assert not directory.exists()


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--port", port])


@pytest.mark.enable_socket  # it takes a port itself
def test_says_when_the_port_is_taken(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    err = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1 port {port}" in err
    assert "--port" in err
    assert not (directory / "mlflow.log").exists()


def test_says_when_the_directory_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--directory", str(tmp_path / "file" / "d"), "keys", "create"]) == 1
    (tmp_path / "keys.db").write_text("no database, but long enough to look like one" * 9)
    assert main(["--directory", str(tmp_path), "keys", "list"]) == 1
    err = capsys.readouterr().err
    assert err.count("cannot use ") == 2
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - nothing is bound
        ("::", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_addresses_can_be_reached_from_here(host: str, url: str) -> None:
    addresses = Addresses.of(host, 80, "http://127.0.0.1:1")
    assert (addresses.url, addresses.page) == (url, f"{url}/mlflow/")

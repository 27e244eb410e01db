"""The hosts that the documents name, played on loopback, and a process that finds them there.

`registry.hokus.ai` is a sandbox; `mlflow.example.com` and its like are the MLflow server behind it,
with a login of their own. What the documents write as a key or as a path stands for one of ours.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import trustme
from seed_claims import BASIC, Trial

from functional.fault_server import Asked, FaultServer, Reply, as_json, faulty
from functional.servers import closed
from hokusai_register.sandbox.baselines import Baselines
from hokusai_register.sandbox.place import Place
from sandboxes import Sandbox, running

READER = "hk_test_of_the_reader_of_the_document"
ORDINARY = ("your-api-key", "your_api_key", "your_hokusai_api_key")
RUN = "abc123"
INSIDE = """
import atexit, types
from hokusai import ModelRegistry
self = types.SimpleNamespace(_auth=types.SimpleNamespace(api_key=os.environ["HOKUSAI_API_KEY"]))
atexit.register(lambda: print(ModelRegistry()))
"""
# Made part of each process by its name: names lead to loopback, `/path/to` to our files, and no
# connection leaves this machine.
SITE = """
import errno, os, socket, ssl
HOSTS = dict(pair.split("=") for pair in os.environ["SEED_HOSTS"].split())
NAMES = [name.partition(":")[0] for name in HOSTS]
FILES = os.environ["SEED_FILES"]
look, connect, access = socket.getaddrinfo, socket.socket.connect, os.access
chain, verify = ssl.SSLContext.load_cert_chain, ssl.SSLContext.load_verify_locations

def here(path):
    return path and str(path).replace("/path/to", FILES)

def getaddrinfo(host, port, *rest, **more):
    if host in NAMES and host != "localhost":
        host = f"127.66.0.{NAMES.index(host)}"
    elif host != "localhost" and not str(host).startswith("127."):
        raise socket.gaierror(socket.EAI_NONAME, "no such host here")
    return look(host, port, *rest, **more)

def to(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host, port = address[:2]
        name = NAMES[int(host[9:])] if host.startswith("127.66.0.") else "localhost"
        if self.family == socket.AF_INET6 or f"{name}:{port}" not in HOSTS:
            raise OSError(errno.ECONNREFUSED, "nobody listens here")
        address = ("127.0.0.1", int(HOSTS[f"{name}:{port}"]))
    return connect(self, address)

socket.getaddrinfo, socket.socket.connect = getaddrinfo, to
os.access = lambda path, *rest, **more: access(here(path), *rest, **more)
ssl.SSLContext.load_cert_chain = lambda self, cert, key=None, *rest, **more: chain(
    self, here(cert), here(key), *rest, **more)
ssl.SSLContext.load_verify_locations = lambda self, cafile=None, *rest, **more: verify(
    self, here(cafile), *rest, **more)
"""


@dataclass
class World:
    """All that runs; a trial gets the part of it that its document speaks of."""

    sandbox: Sandbox
    files: Path
    hosts: dict[str, FaultServer] = field(default_factory=dict)

    @contextmanager
    def stage(
        self, trial: Trial
    ) -> Iterator[tuple[dict[str, str], Sequence[tuple[str, list[Asked]]]]]:
        """Give the variables of a process, and what the hosts are asked meanwhile."""
        playing = dict(self.hosts)
        demanding = playing.pop("demanding")
        if "CLIENT_CERT_PATH" in trial.text:
            playing["mlflow.example.com:443"] = demanding
        for host in self.hosts.values():
            host.asked.clear()
        ports = {name: host.url.rpartition(":")[2] for name, host in playing.items()}
        if trial.down:
            ports = dict.fromkeys(ports, closed().rpartition(":")[2])
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.files}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PYTHONWARNINGS": "ignore",
            "HOKUSAI_API_KEY": READER,
            "SSL_CERT_FILE": str(self.files / "ca-bundle.crt"),
            "SEED_HOSTS": " ".join(f"{name}={port}" for name, port in ports.items()),
            "SEED_FILES": str(self.files),
            **{f"AWS_{name}": "seed" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")},
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        if "INSECURE_TLS" in trial.exports:
            environ["MLFLOW_TRACKING_URI"] = "https://localhost:7443"
        names = [(name.removesuffix(":443"), host.asked) for name, host in playing.items()]
        yield environ, names

    def baselines(self) -> list[dict[str, Any]]:
        """Return what the service has recorded."""
        return Baselines(Place(self.sandbox.directory).baselines).find({})

    def versions(self, token: str) -> int:
        """Return how many versions carry a token."""
        answer = httpx.get(
            f"{self.sandbox.mlflow_url}/api/2.0/mlflow/model-versions/search",
            params={"filter": f"tags.hokusai_token_id = '{token}'"},
            trust_env=False,
        )
        return len(answer.json().get("model_versions", []))

    def announced(self, token: str) -> int:
        """Return how many events the service has had of a token."""
        answer = httpx.get(
            f"{self.sandbox.api_url}/models/tokenized-registration-events",
            headers={"X-API-Key": self.sandbox.create_key()},
            trust_env=False,
        )
        return sum(event["token_id"] == token for event in answer.json()["events"])


@contextmanager
def world() -> Iterator[World]:
    """Start everything for as long as the block lasts."""
    with ExitStack() as stack:
        files = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(running(files / "sandbox"))
        made = World(sandbox, files)
        (files / "sitecustomize.py").write_text(SITE, encoding="utf-8")
        ca = trustme.CA()
        _certificates(ca, files)
        _log_run(sandbox)

        def play(name: str, upstream: str, tls: ssl.SSLContext | None) -> FaultServer:
            made.hosts[name] = stack.enter_context(faulty(upstream=upstream, tls=tls))
            return made.hosts[name]

        service = play("registry.hokus.ai:443", sandbox.url, _tls(ca, "registry.hokus.ai"))
        service.script = _service(service, sandbox)
        mlflow = sandbox.mlflow_url
        play("mlflow.example.com:443", mlflow, _tls(ca, "mlflow.example.com")).script = _private
        demanding = _tls(ca, "mlflow.example.com")
        demanding.verify_mode = ssl.CERT_REQUIRED
        ca.configure_trust(demanding)
        play("demanding", mlflow, demanding)
        play("mlflow.aws.example.com:443", mlflow, _tls(ca, "mlflow.aws.example.com")).script = _aws
        play("localhost:5001", mlflow, None)
        play("localhost:7443", mlflow, _tls(trustme.CA(), "localhost"))
        yield made


def _service(service: FaultServer, sandbox: Sandbox) -> Any:
    ordinary, admin = sandbox.create_key("model:write"), sandbox.create_key()
    keys = dict.fromkeys(ORDINARY, ordinary) | {
        READER: admin,
        "your_mlflow_token": admin,
        "refused-403": sandbox.create_key("nothing"),
    }

    def script(asked: Asked) -> Reply:
        headers = dict(asked.headers)
        for name in ("authorization", "x-api-key"):
            scheme, space, key = headers.get(name, "").rpartition(" ")
            if key:
                headers[name] = f"{scheme}{space}{keys.get(key, key)}"
        return service.forward(replace(asked, headers=headers))

    return script


def _private(asked: Asked) -> Reply | None:
    known = (BASIC, "Bearer your_bearer_token", f"Bearer {READER}")
    login = asked.headers.get("authorization", "")
    return None if login in known else as_json({"error": "who are you?"}, 401)


def _aws(asked: Asked) -> Reply | None:
    signed = asked.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 Credential=seed/")
    return None if signed else as_json({"message": "Missing Authentication Token"}, 403)


def _tls(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


def _certificates(ca: trustme.CA, files: Path) -> None:
    client = ca.issue_cert("client.example")
    ca.cert_pem.write_to_path(str(files / "ca-bundle.crt"))
    client.cert_chain_pems[0].write_to_path(str(files / "client.crt"))
    client.private_key_pem.write_to_path(str(files / "client.key"))


def _log_run(sandbox: Sandbox) -> None:
    """Let there be the run whose id the documents write, with a model logged in it."""
    api = f"{sandbox.mlflow_url}/api/2.0/mlflow"
    body = {"experiment_id": "0"}
    made = httpx.post(f"{api}/runs/create", json=body, trust_env=False).json()["run"]["info"]
    with sqlite3.connect(sandbox.directory / "mlflow.db") as database:
        for table in ("tags", "runs"):
            database.execute(
                f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?",  # noqa: S608
                (RUN, made["run_id"]),
            )
        uri = made["artifact_uri"].replace(made["run_id"], RUN)
        database.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (uri, RUN))
    path = uri.removeprefix("mlflow-artifacts:/")
    artifacts = f"{sandbox.mlflow_url}/api/2.0/mlflow-artifacts/artifacts"
    kept = httpx.put(f"{artifacts}/{path}/model/model.bin", content=b"weights", trust_env=False)
    kept.raise_for_status()

"""The plugin's logins: what the environment says at the time of a call, on every way."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
import trustme

from aws import complaint
from functional.fault_server import Asked, Reply, as_json, faulty
from functional.runner import unique
from functional.scripts import call
from sandboxes import Sandbox

CHANGES = """
import json, os, sys, mlflow
from mlflow import MlflowClient
plugin, plain, key, other, stale, name = sys.argv[1:]

def refused(call):
    try:
        call()
    except Exception as error:
        return getattr(error.__cause__ or error, "reason", "")

told = {}
os.environ["HOKUSAI_API_KEY"] = stale
mlflow.set_tracking_uri(plugin)
told["registry"] = mlflow.get_registry_uri() == plugin
told["stale"] = refused(lambda: mlflow.set_experiment(name))
os.environ["HOKUSAI_API_KEY"] = key
mlflow.set_experiment(name)
with mlflow.start_run() as run:
    mlflow.log_text("one", "note.txt")
os.environ["HOKUSAI_API_KEY"] = stale
told["stale again"] = refused(lambda: MlflowClient().get_run(run.info.run_id))
os.environ["HOKUSAI_API_KEY"] = other
told["renewed"] = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt")
del os.environ["HOKUSAI_API_KEY"]
told["none"] = refused(lambda: MlflowClient().get_run(run.info.run_id))
os.environ["MLFLOW_TRACKING_TOKEN"] = other
told["token"] = MlflowClient().get_run(run.info.run_id).info.run_id == run.info.run_id
mlflow.set_tracking_uri(plain)
told["plain"] = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt")
mlflow.set_tracking_uri(plugin)
os.environ["HOKUSAI_API_KEY"] = key
told["back"] = MlflowClient().get_run(run.info.run_id).info.status
print(json.dumps(told))
"""


def test_what_is_set_last_counts(sandbox: Sandbox, key: str) -> None:
    """Addresses and keys change while a notebook is open."""
    plain, other = sandbox.tracking_uri, sandbox.create_key()
    stale = sandbox.create_key()
    sandbox.revoke(stale)
    done = call(CHANGES, f"hokusai+{plain}", plain, key, other, stale, unique("plugin"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "registry": True,
        **dict.fromkeys(("stale", "stale again"), "auth-401"),
        "renewed": "one",
        "none": "key-missing",
        "token": True,
        "plain": "one",
        "back": "FINISHED",
    }
    notice = "MLflow is logged in to with MLFLOW_TRACKING_TOKEN, not with the Hokusai key"
    assert notice in done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in (key, other, stale))


TRUSTED = """
import sys, mlflow
from mlflow import MlflowClient
from mlflow.utils.rest_utils import http_request
mlflow.set_experiment(sys.argv[1])
with mlflow.start_run() as run:
    mlflow.log_text("a" * 100_000, "note.txt")
past = http_request(MlflowClient()._tracking_client.store.get_host_creds(),
                    "/api/2.0/mlflow/runs/get", "GET", params={"run_id": run.info.run_id})
print(past.status_code, len(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt")))
"""


@pytest.mark.parametrize("login", ["key", "token", "AWS"])
def test_a_server_that_wants_a_certificate_and_a_login(
    sandbox: Sandbox, key: str, tmp_path: Path, login: str
) -> None:
    """MLflow's own requests, past the plugin's, show the same certificate and the same login."""
    ca = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(tls)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    mine = ca.issue_cert("me@example.com")
    files = {"CA_BUNDLE": ca.cert_pem, "CLIENT_CERT": mine.cert_chain_pems[0]}
    files["CLIENT_KEY"] = mine.private_key_pem
    for name, pem in files.items():
        pem.write_to_path(str(tmp_path / name))
    environ = {f"MLFLOW_TRACKING_{name}_PATH": str(tmp_path / name) for name in files}
    environ |= {
        "key": {"HOKUSAI_API_KEY": key},
        "token": {"MLFLOW_TRACKING_TOKEN": key},
        "AWS": {
            "MLFLOW_TRACKING_AWS_SIGV4": "true",
            "AWS_ACCESS_KEY_ID": "AKIDMADEUP",
            "AWS_SECRET_ACCESS_KEY": "made/up+secret",
            "AWS_REGION": "eu-west-1",
        },
    }[login]

    def check(asked: Asked) -> Reply | None:
        url = f"{server.url}{asked.path}"
        secrets = {"AKIDMADEUP": "made/up+secret"}
        wrong = complaint(secrets, asked.method, url, asked.headers, asked.body)
        return as_json({"message": wrong}, 403) if wrong and login == "AWS" else None

    upstream = sandbox.mlflow_url if login == "AWS" else sandbox.url
    with faulty(check, upstream, tls) as server:
        address = server.url if login == "AWS" else f"{server.url}/api/mlflow"
        environ["MLFLOW_TRACKING_URI"] = f"hokusai+{address}"
        done = call(TRUSTED, unique("plugin a+b"), **environ)
        assert done.stdout.splitlines()[-1:] == ["200 100000"], done.stderr
        del environ["MLFLOW_TRACKING_CLIENT_CERT_PATH"], environ["MLFLOW_TRACKING_CLIENT_KEY_PATH"]
        done = call(TRUSTED, unique("plugin"), **environ)
        assert "its alert is CERTIFICATE_REQUIRED" in done.stderr

"""Mutual TLS: a terminator in front of the sandbox lets in who shows a certificate of its CA."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from functional.fault_server import FaultServer, Reply, faulty
from functional.runner import Result, Runner
from sandboxes import Sandbox

Serve = Callable[..., FaultServer]
ME = "me@example.com"
LONG_AGO = dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)  # noqa: DTZ001  # trustme's way


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """Whom the server trusts, and who signed the server's own certificate."""
    return trustme.CA()


@pytest.fixture
def serve(runner: Runner, sandbox: Sandbox, ca: trustme.CA) -> Iterator[Serve]:
    """Start a server that demands a client certificate, and name it in the job's inputs."""
    with ExitStack() as stack:

        def start(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> FaultServer:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.maximum_version = version
            tls.verify_mode = ssl.CERT_REQUIRED
            ca.configure_trust(tls)
            ca.issue_cert("127.0.0.1").configure_cert(tls)
            server = stack.enter_context(faulty(upstream=sandbox.url, tls=tls))
            runner.inputs |= {"tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
            return server

        yield start


@pytest.fixture
def pem(runner: Runner, ca: trustme.CA) -> Path:
    """The files of a client, in the job's temporary directory, as a step writes them there."""
    ca.cert_pem.write_to_path(str(runner.temp / "ca.pem"))
    certificates = {
        "mine": ca.issue_cert(ME),
        "expired": ca.issue_cert(ME, not_before=LONG_AGO[0], not_after=LONG_AGO[1]),
        "foreign": trustme.CA().issue_cert(ME),
    }
    for name, made in certificates.items():
        made.private_key_and_cert_chain_pem.write_to_path(str(runner.temp / f"{name}.pem"))
        made.cert_chain_pems[0].write_to_path(str(runner.temp / f"{name}.crt"))
        made.private_key_pem.write_to_path(str(runner.temp / f"{name}.key"))
    runner.inputs["ca-bundle"] = str(runner.temp / "ca.pem")
    return runner.temp


def key_of(pem: Path) -> str:
    """Return a line of the private key, which nobody may see."""
    return (pem / "mine.key").read_text().splitlines()[1]


def told(result: Result) -> str:
    return "\n".join((result.log, result.summary, *result.outputs.values()))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("files", [("mine.pem", ""), ("mine.crt", "mine.key")])
def test_registers_with_both_services(
    runner: Runner,
    sandbox: Sandbox,
    serve: Serve,
    pem: Path,
    files: tuple[str, str],
    version: ssl.TLSVersion,
) -> None:
    serve(version)
    cert, key = (str(pem / name) if name else "" for name in files)
    result = runner.here(client_cert=cert, client_key=key)
    assert result.said("registered", "ok", "mlflow")
    assert key_of(pem) not in told(result)
    baselines = sandbox.create_key("model:write")
    result = runner.here(client_cert=cert, client_key=key, api_key=baselines, version="v2")
    assert result.said("registered", "ok", "api")


@pytest.mark.parametrize(
    "bundle",
    [
        "MLFLOW_TRACKING_CA_BUNDLE_PATH",
        "MLFLOW_TRACKING_SERVER_CERT_PATH",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    ],
)
def test_the_variables_of_the_guide_and_of_mlflow(
    runner: Runner, sandbox: Sandbox, serve: Serve, pem: Path, bundle: str
) -> None:
    serve()
    runner.inputs["ca-bundle"] = ""
    runner.environ |= {
        bundle: str(pem / "ca.pem"),
        "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(pem / "mine.crt"),
        "MLFLOW_TRACKING_CLIENT_KEY_PATH": str(pem / "mine.key"),
    }
    assert runner.action().said("registered", "ok", "mlflow")
    result = runner.action(api_key=sandbox.create_key("model:write"), version="v2")
    assert result.said("registered", "ok", "api")


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("", ssl.TLSVersion.TLSv1_3, "CERTIFICATE_REQUIRED: it wants a client certificate"),
        ("", ssl.TLSVersion.TLSv1_2, "HANDSHAKE_FAILURE: most servers of TLS 1.2 mean that"),
        ("expired", ssl.TLSVersion.TLSv1_3, "CERTIFICATE_EXPIRED: the client certificate is not"),
        ("expired", ssl.TLSVersion.TLSv1_2, "CERTIFICATE_EXPIRED: the client certificate is not"),
        ("foreign", ssl.TLSVersion.TLSv1_3, "UNKNOWN_CA: it does not know the CA"),
        ("foreign", ssl.TLSVersion.TLSv1_2, "UNKNOWN_CA: it does not know the CA"),
    ],
)
@pytest.mark.parametrize("fallback", ["api", "mock"])
def test_refused(
    runner: Runner,
    serve: Serve,
    pem: Path,
    name: str,
    version: ssl.TLSVersion,
    said: str,
    fallback: str,
) -> None:
    server = serve(version)
    cert = str(pem / f"{name}.pem") if name else ""
    result = runner.here(client_cert=cert, fallback=fallback)
    assert result.said("failed", "tls", "none")
    assert result.exit_code == 1
    assert f"ends the TLS handshake. Why: its alert is {said}" in result.errors[0]
    assert "`client-cert`" in result.errors[0]
    assert server.asked == []


def test_a_terminator_that_answers_instead(runner: Runner, serve: Serve, pem: Path) -> None:
    """As nginx does: the handshake succeeds, and a page says what is missing."""
    page = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"
    reply = Reply(status=400, headers={"Content-Type": "text/html"}, body=page)
    serve().script = lambda _: reply
    result = runner.here(client_cert=str(pem / "mine.pem"))
    assert result.said("failed", "invalid", "none")
    assert "a page titled '400 No required SSL certificate was sent'" in result.errors[0]


@pytest.mark.parametrize(
    ("cert", "private", "said"),
    [
        ("mine.crt", "encrypted.key", "its private key is encrypted, and nobody is there"),
        ("mine.crt", "foreign.key", "the private key is not the one that the certificate was"),
        ("mine.crt", "", "there is no certificate, or no private key, in PEM form"),
        ("", "mine.key", "it needs `client-cert`"),
        ("none.crt", "mine.key", "none.crt' does not exist"),
    ],
)
def test_files_that_do_not_go_together(
    runner: Runner, serve: Serve, pem: Path, cert: str, private: str, said: str
) -> None:
    server = serve()
    plain = serialization.load_pem_private_key((pem / "mine.key").read_bytes(), None)
    encrypted = plain.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"made-up"),
    )
    (pem / "encrypted.key").write_bytes(encrypted)
    cert, private = (str(pem / name) if name else "" for name in (cert, private))
    result = runner.action(client_cert=cert, client_key=private)
    assert result.exit_code == 2
    assert said in result.errors[0]
    assert key_of(pem) not in told(result)
    assert server.connections == 0

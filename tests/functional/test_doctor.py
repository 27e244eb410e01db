"""What the doctor finds: each thing once as it should be, and once as it should not."""

from __future__ import annotations

import email.utils
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from mlflow import MlflowClient

from functional.announced import POST
from functional.fault_server import Asked, FaultServer, Reply, as_json, faulty, on
from functional.runner import COMMAND, LIMIT, PYTHON, kept
from hokusai_register.doctor import machine, settings
from hokusai_register.hosts import Request
from hokusai_register.paths import Roots
from runner_rules import runner_commands
from sandboxes import Sandbox

CHECKS = (
    *("versions", "key", "disk", "mlflow", "mlflow-read", "mlflow-write"),
    *("api", "api-read", "api-write", "event", "clock"),
)
BASELINE = "/api/v1/models/baseline"

Doctor = Callable[..., "Told"]


class Told:
    """What the doctor said."""

    def __init__(self, exit_code: int, out: str) -> None:
        self.exit_code, self.out = exit_code, out
        self.whole: dict[str, Any] = json.loads(out)
        self.findings: list[dict[str, Any]] = self.whole["findings"]
        assert self.whole["exit_code"] == exit_code

    def __getitem__(self, check: str) -> dict[str, Any]:
        """Return the one finding of this name."""
        (found,) = (one for one in self.findings if one["check"] == check)
        return found

    def not_ok(self) -> dict[str, str]:
        """Return the checks that are not as they should be, each with its fix."""
        assert all(one["fix"] for one in self.findings if one["health"] != "ok")
        return {one["check"]: one["health"] for one in self.findings if one["health"] != "ok"}


def run(workspace: Path, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Call the doctor as a person would."""
    return call(workspace, *COMMAND, "doctor", *flags, **environ)


def call(workspace: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Call a program, in an environment without anybody's settings."""
    return subprocess.run(
        words,
        cwd=workspace,
        env=kept() | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


@pytest.fixture
def doctor(proxy: FaultServer, key: str, tmp_path: Path) -> Doctor:
    """Ask the doctor about the sandbox, through a server that can misbehave."""

    def ask(*flags: str, key: str = key, url: str = proxy.url, **environ: str) -> Told:
        where = () if {"--api-url", "--tracking-uri"} & set(flags) else ("--api-url", url)
        done = run(tmp_path, "--json", *where, *flags, HOKUSAI_API_KEY=key, **environ)
        assert done.stderr == ""
        return Told(done.returncode, done.stdout)

    return ask


def test_all_is_well_and_nothing_is_left_behind(
    doctor: Doctor, client: MlflowClient, proxy: FaultServer
) -> None:
    before = len(client.search_registered_models(max_results=1000))
    told = doctor()
    assert (told.exit_code, told.not_ok()) == (0, {})
    assert tuple(one["check"] for one in told.findings) == CHECKS
    assert {one["check"] for one in told.findings if not one["certain"]} == {"event", "clock"}
    assert "version" in told["mlflow"]["said"]
    assert "HOKUSAI_API_KEY" in told["key"]["said"]
    assert told["mlflow-read"]["said"].endswith("/api/mlflow/api/")
    assert len(client.search_registered_models(max_results=1000)) == before
    assert {asked.body for asked in proxy.asked} == {b"", b"{}"}
    assert proxy.seen(POST) == []


def test_the_form_of_a_finding_is_stable(doctor: Doctor) -> None:
    told = doctor()
    assert set(told.whole) == {"schema", "exit_code", "findings"}
    assert told.whole["schema"] == 1
    names = ("check", "said", "health", "fix", "certain", "exit_code", "milliseconds")
    for found in told.findings:
        assert tuple(found) == names
    asked = [one["milliseconds"] for one in told.findings if one["check"][:3] in ("mlf", "api")]
    assert all(isinstance(took, int) for took in asked)


@pytest.mark.parametrize(
    ("scopes", "not_ok", "code"),
    [
        (("model:write",), {"mlflow-read": "warn"}, 0),
        (("registry:admin",), {"api-write": "warn"}, 0),
        (("model:read",), {"mlflow-read": "fail", "api-write": "fail"}, 3),
    ],
)
def test_what_the_key_may_do(
    doctor: Doctor, sandbox: Sandbox, scopes: tuple[str, ...], not_ok: dict[str, str], code: int
) -> None:
    told = doctor(key=sandbox.create_key(*scopes))
    assert (told.not_ok(), told.exit_code) == (not_ok, code)


@pytest.mark.parametrize(("scope", "health"), [("admin", "ok"), ("registry:admin", "warn")])
def test_who_pays_learns_whether_tokens_may_be_announced(
    doctor: Doctor, sandbox: Sandbox, proxy: FaultServer, scope: str, health: str
) -> None:
    found = doctor("--billed", key=sandbox.create_key(scope))["event"]
    assert (found["health"], found["certain"], len(proxy.seen(POST))) == (health, True, 1)


def test_a_wrong_key(doctor: Doctor) -> None:
    told = doctor(key="wrong-key-of-nobody")
    assert told.exit_code == 3
    assert told.not_ok() == dict.fromkeys(("mlflow-read", "api-read", "api-write"), "fail")


def test_no_key(doctor: Doctor) -> None:
    told = doctor(key="")
    assert (told.exit_code, told.not_ok()) == (3, {"key": "fail"})
    assert (told["mlflow"]["health"], told["api"]["health"]) == ("ok", "ok")


@pytest.mark.parametrize(
    ("flags", "key", "code", "says"),
    [
        (("--api-url", "ftp://x"), "some-key", 2, "`api-url`"),
        (("--timeout", "soon"), "some-key", 2, "`timeout`"),
        (("--ca-bundle", "no.pem"), "some-key", 2, "ca-bundle"),
        (("--api-url", "http://a.example"), "some-key", 2, "in the clear"),
        ((), "two words", 3, "malformed"),
    ],
)
def test_what_cannot_even_be_asked(
    doctor: Doctor, proxy: FaultServer, flags: tuple[str, ...], key: str, code: int, says: str
) -> None:
    told = doctor(*flags, key=key)
    assert (told.exit_code, told.not_ok()) == (code, {"inputs": "fail"})
    assert says in told["inputs"]["said"]
    assert proxy.asked == []


def test_an_api_that_is_down(doctor: Doctor, sandbox: Sandbox) -> None:
    told = doctor("--api-url", "http://127.0.0.1:9", "--tracking-uri", sandbox.tracking_uri)
    assert (told.exit_code, told.not_ok()) == (0, {"api": "warn"})
    assert "refused" in told["api"]["said"]


def test_a_service_that_is_down(doctor: Doctor) -> None:
    told = doctor("--api-url", "http://127.0.0.1:9")
    assert (told.exit_code, told.not_ok()) == (1, {"mlflow": "fail", "api": "fail"})


def test_a_service_that_is_broken(doctor: Doctor, proxy: FaultServer) -> None:
    proxy.script = on("/version", Reply(status=503))
    told = doctor()
    assert (told.exit_code, told.not_ok()) == (1, {"mlflow": "fail", "api": "fail"})


def test_a_wrong_path(doctor: Doctor, sandbox: Sandbox) -> None:
    told = doctor("--tracking-uri", f"{sandbox.url}/nowhere")
    assert (told.exit_code, told.not_ok()) == (1, {"mlflow-read": "fail"})
    assert "api-url" in told["api"]["said"]


def test_a_service_without_baselines(doctor: Doctor, proxy: FaultServer) -> None:
    proxy.script = on(BASELINE, as_json({"detail": "Not Found"}, 404))
    told = doctor()
    assert (told.exit_code, told.not_ok()) == (0, {"api-read": "warn", "api-write": "warn"})


def test_a_service_that_takes_everything(doctor: Doctor, proxy: FaultServer) -> None:
    proxy.script = on(f"POST {BASELINE}", as_json({"version": "1"}, 201))
    assert "empty body" in doctor()["api-write"]["said"]


def test_a_redirect(doctor: Doctor, proxy: FaultServer) -> None:
    proxy.script = on("/api/mlflow/", Reply(status=301, headers={"Location": "http://e.example/"}))
    told = doctor()
    assert (told.exit_code, told.not_ok()) == (1, {"mlflow": "fail"})


@pytest.mark.parametrize("minutes", [-60, 60])
def test_a_wrong_clock(doctor: Doctor, proxy: FaultServer, minutes: int) -> None:
    date = email.utils.formatdate(time.time() + minutes * 60, usegmt=True)
    reply = Reply(forward=True, edit=lambda body: body, headers={"Date": date})
    proxy.script = lambda _: reply
    told = doctor()
    assert (told.exit_code, told.not_ok()) == (0, {"clock": "warn"})


def test_a_proxy_is_named_without_its_password(doctor: Doctor, proxy: FaultServer) -> None:
    host = proxy.url.removeprefix("http://")
    environ = {"http_proxy": f"http://user:pass-word@{host}"}
    url = ("--api-url", "http://r.example", "--allow-insecure-http")
    told = doctor(*url, **environ)
    assert f"r.example via proxy {host}" in told["mlflow"]["said"]
    proxy.script = on("", Reply(status=407))
    refused = doctor(*url, **environ)
    assert (refused.exit_code, refused.not_ok()) == (3, {"mlflow": "fail", "api": "fail"})
    assert "pass-word" not in told.out + refused.out


def test_no_answer_shows_the_key(doctor: Doctor, proxy: FaultServer, key: str) -> None:
    def echo(asked: Asked) -> Reply:
        said = f"no: {asked.headers.get('authorization')} {asked.headers.get('x-api-key')}"
        status = 200 if "/version" in str(asked) else 403
        return as_json({"detail": said, "version": asked.headers.get("x-api-key", "")[:40]}, status)

    proxy.script = echo
    told = doctor("--billed")
    assert told.exit_code == 3
    assert key not in told.out
    assert key[8:] not in told.out


def test_a_login_of_mlflows_own(doctor: Doctor, key: str) -> None:
    told = doctor(key="", MLFLOW_TRACKING_TOKEN=key)
    assert (told.exit_code, told.not_ok()) == (0, {})
    assert "MLFLOW_TRACKING_TOKEN" in told["key"]["said"]
    assert {"api-read", "event"}.isdisjoint(one["check"] for one in told.findings)


def test_a_local_store_has_nobody_to_ask(doctor: Doctor) -> None:
    told = doctor("--tracking-uri", "sqlite:///x.db")
    assert "nobody" in told["mlflow"]["said"]
    assert (told.exit_code, told.not_ok()) == (0, {})


@pytest.mark.parametrize("free", [1000, 1 << 31])
def test_a_disk_may_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    found = machine.disk(settings.read(Request({}, {}, Roots(tmp_path))))
    assert (found.health, bool(found.fix)) == (("warn", True) if free == 1000 else ("ok", False))


@pytest.fixture
def secured(sandbox: Sandbox) -> Iterator[Callable[[trustme.CA, float], str]]:
    """Put TLS in front of the sandbox, with a certificate for so many days."""
    with ExitStack() as stack:

        def start(ca: trustme.CA, days: float) -> str:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            until = datetime.now(UTC) + timedelta(days=days)
            since = until - timedelta(days=90)
            ca.issue_cert("127.0.0.1", not_before=since, not_after=until).configure_cert(context)
            return stack.enter_context(faulty(upstream=sandbox.url, tls=context)).url

        yield start


@pytest.mark.parametrize(
    ("days", "trusted", "not_ok", "code", "says"),
    [
        (30, True, {}, 0, "30 days more"),
        (5, True, {"tls": "warn"}, 0, "5 days more"),
        (-5, True, {"mlflow": "fail", "api": "fail"}, 1, "expired"),
        (30, False, {"mlflow": "fail", "api": "fail"}, 1, "local issuer certificate"),
    ],
)
def test_who_vouches_for_the_service(
    doctor: Doctor,
    secured: Callable[[trustme.CA, float], str],
    tmp_path: Path,
    days: float,
    trusted: bool,
    not_ok: dict[str, str],
    code: int,
    says: str,
) -> None:
    ca, other = trustme.CA(), trustme.CA()
    (ca if trusted else other).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    told = doctor("--ca-bundle", "ca.pem", url=secured(ca, days + 0.5))
    assert (told.not_ok(), told.exit_code) == (not_ok, code)
    assert says in told["mlflow" if code else "tls"]["said"]


@pytest.mark.parametrize("days", [20, 5, -5])
def test_the_first_of_the_chain_to_expire_counts(
    doctor: Doctor,
    secured: Callable[[trustme.CA, float], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
) -> None:
    root = trustme.CA(organization_unit_name="Root")
    root.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    until = datetime.now(UTC) + timedelta(days=days + 0.5)
    monkeypatch.setattr(trustme, "DEFAULT_EXPIRY", until)
    between = trustme.CA(root, path_length=0, organization_unit_name="Between")
    told = doctor("--ca-bundle", "ca.pem", url=secured(between, 60.5))
    if days < 0:
        assert told.not_ok() == {"mlflow": "fail", "api": "fail"}
        assert "expired" in told["mlflow"]["said"]
        return
    near = days == 5
    assert (told.exit_code, told.not_ok()) == (0, {"tls": "warn"} if near else {})
    assert f"vouched for by Between, that by Root, for {days} days more" in told["tls"]["said"]
    assert ("Between expires" in told["tls"]["said"], "Between" in told["tls"]["fix"]) == (
        near,
    ) * 2


def test_who_is_told_not_to_look_is_told_so(
    doctor: Doctor, secured: Callable[[trustme.CA, float], str]
) -> None:
    told = doctor("--insecure-tls", url=secured(trustme.CA(), 30))
    assert (told.exit_code, told.not_ok()) == (0, {"tls": "warn"})


@pytest.mark.parametrize("debug", ["0", "1"])
def test_a_bug_is_a_finding_and_ends_with_70(tmp_path: Path, debug: str) -> None:
    broken = (
        "import sys; from hokusai_register import app; from hokusai_register.doctor import machine;"
        "machine.versions = lambda: {}['\\n::error::x']; sys.argv[1:] = ['doctor', '--json'];"
        "app.main()"
    )
    done = call(tmp_path, PYTHON, "-c", broken, RUNNER_DEBUG=debug)
    told = Told(done.returncode, done.stdout)
    assert (told.exit_code, told.not_ok()) == (70, {"doctor": "fail"})
    assert "by a bug of its own: KeyError in <lambda>" in told["doctor"]["said"]
    assert ("Traceback" in done.stderr) == (debug == "1")
    assert runner_commands(done.stderr) == []


def test_people_get_a_line_for_each(sandbox: Sandbox, tmp_path: Path) -> None:
    key = sandbox.create_key("model:write")
    done = run(tmp_path, "--api-url", sandbox.api_url, HOKUSAI_API_KEY=key)
    assert done.returncode == 0
    rows = done.stdout.splitlines()
    heads = [row[:4].strip() for row in rows]
    assert heads.count("ok") == 8
    assert (heads.count("warn"), heads.count("?")) == (1, 1)
    (warned,) = (number for number, head in enumerate(heads) if head == "warn")
    assert rows[warned + 1].strip().startswith("fix: ")
    assert any(row.endswith(" ms)") for row in rows)

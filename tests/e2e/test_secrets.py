"""No part of a secret is in anything that the image writes anywhere, however a step ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from actions_runner import ActionsRunner
from canaries import writings
from functional.fault_server import Reply, as_json, faulty
from noisy import hidden
from runner_step import Expect
from sandboxes import Sandbox

pytestmark = pytest.mark.slow

Search = Callable[..., None]
KEY = "hk_live_Canary.9f3K~4xQ7-Zw2Lm8Rt5Vb"
TOKEN = 'tk%2F+/=Canary&<"q>~\\9f3K4xQ7Zw'
PASSWORD = "pä ss/w%rd:Canary@9f3K4xQ7"
PROXY = "pr~oxy.Canary-9f3K4xQ7"
SECRETS = (KEY, TOKEN, PASSWORD, PROXY)


def echo(status: int, *secrets: str) -> Reply:
    """Return an answer that repeats secrets in every way there is to write them."""
    said = " | ".join(text for secret in secrets for _, text in writings(secret))
    return as_json({"detail": said, "message": said}, status=status)


@dataclass(frozen=True, slots=True)
class Case:
    """How a step ends whose server says always the same."""

    how: str
    reply: Reply
    given: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


ELSEWHERE = {"Location": f"https://{KEY}.example/{KEY}?key={KEY}#{KEY}"}
STRANGE = {
    "experiment": {"experiment_id": KEY, "name": KEY, "artifact_location": f"s3://{KEY}/"},
    "run": {"info": {"run_id": KEY, "experiment_id": KEY, "artifact_uri": f"s3://{KEY}/x"}},
    "registered_model": {"name": KEY},
}
AWS = {
    "MLFLOW_TRACKING_AWS_SIGV4": "true",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": TOKEN,
    "AWS_SESSION_TOKEN": PROXY,
    "AWS_REGION": "eu-west-1",
}
LOGIN = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
CASES = {
    "401": Case("failed/auth-401 3", echo(401, KEY)),
    "401 with parts": Case(
        "failed/auth-401 3", as_json({"detail": f"{KEY[:12]} {KEY[6:20]} {KEY[-12:]}"}, 401)
    ),
    "403 for a token": Case(
        "failed/auth-403 3", echo(403, TOKEN, KEY), {}, {"MLFLOW_TRACKING_TOKEN": TOKEN}
    ),
    "401 for a password": Case("failed/auth-401 3", echo(401, PASSWORD, KEY), {}, LOGIN),
    "403 for AWS": Case("failed/auth-403 3", echo(403, TOKEN, PROXY, KEY), {}, AWS),
    "400": Case("failed/invalid 1", echo(400, KEY)),
    "redirect": Case("failed/redirect 1", Reply(status=302, headers=ELSEWHERE)),
    "503 and kept here": Case(
        "registered-local/server-5xx 0 local",
        echo(503, KEY),
        {"fallback": "local", "result-file": "result.json"},
    ),
    "no sense": Case(
        "failed/protocol 1", Reply(headers={"Content-Type": f"text/{KEY}"}, body=KEY.encode())
    ),
    "strange ids": Case("failed/protocol 1", as_json(STRANGE)),
    "a malformed key": Case("failed/key-malformed 3", echo(401), {"api-key": f"Bearer {KEY}"}),
    "in another input": Case("failed/input 2", echo(401), {"description": f"with {KEY}"}),
    "in an address": Case(
        "failed/input 2", echo(401), {"tracking-uri": f"https://me:{KEY}@a.example/api/mlflow"}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_server_may_repeat_it(
    kept: ActionsRunner, given: dict[str, str], expect: Expect, search: Search, name: str
) -> None:
    case = CASES[name]
    with faulty(lambda _: case.reply) as server:
        here = {"api-key": KEY, "tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
        inputs = {**given, **here, **case.given}
        step = kept.start(inputs, RUNNER_DEBUG="1", **case.environ)
        handed = [one for one in SECRETS if one == KEY or one in case.environ.values()]
        search(step, expect(step.end(), case.how), *handed)


@pytest.mark.parametrize(
    ("reply", "how"),
    [
        (Reply(status=407, body=PROXY.encode()), "failed/proxy-auth 3"),
        (echo(502, PROXY, KEY), "failed/server-5xx 1"),
    ],
    ids=["wants another login", "answers itself"],
)
def test_a_proxy_may_repeat_it(
    kept: ActionsRunner,
    given: dict[str, str],
    expect: Expect,
    search: Search,
    reply: Reply,
    how: str,
) -> None:
    with faulty(lambda _: reply) as proxy:
        address = proxy.url.replace("//", f"//me:{PROXY}@")
        away = {"tracking-uri": "http://a.example/api/mlflow", "allow-insecure-http": "true"}
        step = kept.start({**given, **away, "api-key": KEY}, http_proxy=address)
        ended = expect(step.end(), how)
        assert proxy.asked[0].headers["proxy-authorization"]
    search(step, ended, PROXY, KEY)


def test_a_library_may_repeat_it(
    kept: ActionsRunner,
    given: dict[str, str],
    expect: Expect,
    search: Search,
    elsewhere: Path,
) -> None:
    """In all that it prints, and in the exception that it ends us with; nobody told it."""
    key = given["api-key"]
    count = f"sum({hidden(key)} in text for text in __import__('os').environ.values())"
    said = hidden(" | ".join(text for _, text in writings(key)))
    kept = kept.with_library(
        elsewhere, f"print({said})\nprint('told:', {count})\nraise LookupError({said})\n"
    )
    step = kept.start(given, RUNNER_DEBUG="1")
    ended = expect(step.end(), "failed/internal 70")
    assert "hokusai-register: | LookupError: *** | " in ended.log
    assert "hokusai-register: | *** | " in ended.log
    assert "hokusai-register: | told: 0\n" in ended.log
    search(step, ended, key)


def test_it_is_nowhere_after_a_registration(
    kept: ActionsRunner, given: dict[str, str], expect: Expect, search: Search, sandbox: Sandbox
) -> None:
    """Neither here nor in the server's own databases, files and logs."""
    step = kept.start({**given, "api-key": f" {given['api-key']}\n"})
    ended = expect(step.end(), "registered/ok 0 mlflow")
    assert ended.raw.startswith(f"::add-mask::{given['api-key']}\n".encode())
    search(step, ended, given["api-key"], places=(sandbox.directory,))


def test_a_client_certificate_that_is_of_no_use(
    kept: ActionsRunner, given: dict[str, str], expect: Expect, search: Search, elsewhere: Path
) -> None:
    """Only the file itself has a line of the private key, and it is taken away before."""
    authority = trustme.CA()
    mine, other = (authority.issue_cert("me.example") for _ in range(2))
    mine.cert_chain_pems[0].write_to_path(str(kept.root / "_temp/cert.pem"))
    other.private_key_pem.write_to_path(str(kept.root / "_temp/key.pem"))
    files = {"client-cert": "/github/runner_temp/cert.pem"}
    files |= {"client-key": "/github/runner_temp/key.pem"}
    address = {"tracking-uri": "https://registry.invalid/api/mlflow"}
    kept.give_away()
    step = kept.start({**given, **files, **address}, RUNNER_DEBUG="1")
    ended = expect(step.end(), "failed/input 2")
    (kept.root / "_temp/key.pem").rename(elsewhere / "key.pem")
    search(step, ended, *other.private_key_pem.bytes().decode().splitlines()[1:-1])


@pytest.mark.parametrize("place", ["the workspace", "elsewhere", "the container", "the log"])
def test_the_search_finds_what_is_there(
    kept: ActionsRunner, given: dict[str, str], search: Search, elsewhere: Path, place: str
) -> None:
    secret = f"planted in {place}"
    hiding = {
        "the workspace": f"open('planted', 'w').write({hidden(secret)})",
        "the container": f"open('/var/tmp/planted', 'w').write({hidden(secret)})",
        "the log": f"print({hidden(secret)})",
    }
    kept = kept.with_library(elsewhere, hiding.get(place, "") + "\n")
    (elsewhere / "planted").write_text(secret if place == "elsewhere" else "", encoding="utf-8")
    step = kept.start(given)
    ended = step.end()
    with pytest.raises(AssertionError, match="planted in"):
        search(step, ended, secret, places=(elsewhere,))
    search(step, ended, "nobody ever said this", places=(elsewhere,))

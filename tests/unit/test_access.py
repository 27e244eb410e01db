"""Which of several logins is taken, what each of them sends, and what is only half of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hokusai_register.access import KEY, PAIR, SIGV4, TOKEN, Credentials, credentials, remarks
from hokusai_register.artifact import Roots
from hokusai_register.errors import InputError
from hokusai_register.http import Login
from hokusai_register.reader import Reader

HOKUSAI = {"HOKUSAI_API_KEY": "hk_live_made_up"}
BEARER = {"MLFLOW_TRACKING_TOKEN": "tok"}
BASIC = {"MLFLOW_TRACKING_USERNAME": "mé", "MLFLOW_TRACKING_PASSWORD": "pä"}
PLAIN = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pass"}
AWS = {
    "MLFLOW_TRACKING_AWS_SIGV4": "true",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "made/up+secret",
    "AWS_SESSION_TOKEN": "session==",
    "AWS_REGION": "eu-west-1",
}
Find = Callable[..., Credentials]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Return the credentials of an environment, or raise what is wrong with it."""

    def read(**environ: str) -> Credentials:
        reader = Reader({}, environ, Roots(tmp_path))
        found = credentials(reader)
        reader.complain(None)
        return found

    return read


def sent(login: Login) -> dict[str, str]:
    return dict(login.sign("GET", "https://a.example/x", "", "0" * 64))


@pytest.mark.parametrize(
    ("environ", "how", "header", "secrets"),
    [
        (HOKUSAI, KEY, "Bearer hk_live_made_up", ["hk_live_made_up"]),
        (HOKUSAI | AWS, SIGV4, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", [*AWS.values()][1:4]),
        (HOKUSAI | AWS | BASIC, PAIR, "Basic bcOpOnDDpA==", ["pä", "bcOpOnDDpA=="]),
        (HOKUSAI | AWS | BASIC | BEARER, TOKEN, "Bearer tok", ["tok"]),
    ],
    ids=[KEY, SIGV4, PAIR, TOKEN],
)
def test_the_first_that_is_there_is_taken(
    find: Find, environ: dict[str, str], how: str, header: str, secrets: list[str]
) -> None:
    login = Login.of(find(**environ))
    assert login.how == how
    assert sent(login)["Authorization"].startswith(header)
    assert [secret.reveal() for secret in login.secrets] == secrets
    assert not any(secret in repr(login) for secret in secrets)
    assert ("X-API-Key" in sent(login)) == (how == KEY), "the key goes with no other login"


def test_the_key_is_the_same_in_both_headers(find: Find) -> None:
    headers = sent(Login.of(find(**HOKUSAI)))
    assert headers == {"Authorization": "Bearer hk_live_made_up", "X-API-Key": "hk_live_made_up"}


@pytest.mark.parametrize("login", [HOKUSAI, BEARER, PLAIN, AWS, {}])
def test_the_workspace_goes_with_every_login(find: Find, login: dict[str, str]) -> None:
    plain, within = Login.of(find(**login)), Login.of(find(**login, MLFLOW_WORKSPACE=" team-a "))
    assert (within.how, within.secrets, within.workspace) == (plain.how, plain.secrets, "team-a")
    assert sent(within).keys() == sent(plain).keys() | {"X-MLFLOW-WORKSPACE"}
    assert sent(within)["X-MLFLOW-WORKSPACE"] == "team-a"


@pytest.mark.parametrize("name", ["a", "Team", "team_a", "-a", "a-", "ä1", "a\nb", "a" * 64])
def test_no_name_of_a_workspace(find: Find, name: str) -> None:
    with pytest.raises(InputError, match="MLFLOW_WORKSPACE"):
        find(MLFLOW_WORKSPACE=name)


def test_nobody_sends_nothing(find: Find) -> None:
    assert sent(Login.of(find())) == {}
    assert not find()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (HOKUSAI, []),
        (HOKUSAI | BEARER, [f"MLflow is logged in to with {TOKEN}, not with {KEY}"]),
        (
            HOKUSAI | PLAIN | AWS,
            [f"MLflow is logged in to with {PAIR}, not with {SIGV4} or {KEY}"],
        ),
        (PLAIN, []),
        (BASIC, [f"{PAIR} are not only ASCII: MLflow 3 answers 401 to uploads with such a login"]),
        (
            {"MLFLOW_TRACKING_USERNAME": "stale"},
            ["MLFLOW_TRACKING_USERNAME is not used, since MLFLOW_TRACKING_PASSWORD is blank"],
        ),
        (
            {"MLFLOW_TRACKING_PASSWORD": "stale"},
            ["MLFLOW_TRACKING_PASSWORD is not used, since MLFLOW_TRACKING_USERNAME is blank"],
        ),
    ],
    ids=[
        "one",
        "two",
        "three",
        "a pair",
        "no ASCII",
        "a user without a password",
        "a password without a user",
    ],
)
def test_what_is_not_used_is_said(find: Find, environ: dict[str, str], said: list[str]) -> None:
    assert remarks(find(**environ)) == said


def test_aws_variables_alone_are_no_login(find: Find) -> None:
    assert not find(**(AWS | {"MLFLOW_TRACKING_AWS_SIGV4": "false"}))


def test_the_region_has_two_names(find: Find) -> None:
    assert find(**(AWS | {"AWS_DEFAULT_REGION": "us-east-1"})).aws.region == "eu-west-1"
    other = AWS | {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}
    assert find(**other).aws.region == "us-east-1"
    session = find(**(AWS | {"AWS_SESSION_TOKEN": ""})).aws.session
    assert not session, "keys of a user have none"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (AWS | {"AWS_SECRET_ACCESS_KEY": ""}, "it needs AWS_SECRET_ACCESS_KEY: run"),
        (AWS | {"AWS_ACCESS_KEY_ID": "", "AWS_REGION": " "}, "KEY_ID and AWS_REGION"),
        (AWS | {"AWS_REGION": "eu/west"}, "a region has lower-case"),
        (AWS | {"AWS_ACCESS_KEY_ID": "a\nb"}, "line breaks"),
        (BASIC | {"MLFLOW_TRACKING_USERNAME": "a:b"}, "colon"),
    ],
    ids=["secret", "id and region", "region", "line break", "colon"],
)
def test_half_a_login_is_refused(find: Find, environ: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        find(**environ)

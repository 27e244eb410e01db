"""From raw strings to one frozen `Inputs`, or to one complaint that names every problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import KEY
from hokusai_register import bundle
from hokusai_register.errors import (
    AuthError,
    FileError,
    InputError,
    KeyMissingError,
    Reason,
    RegisterError,
)
from hokusai_register.fields import FIELDS
from hokusai_register.inputs import Inputs, parse, secrets
from hokusai_register.model import Artifact, Secret
from hokusai_register.paths import Roots
from hokusai_register.tokenized import Token
from hostile import texts

Parse = Callable[..., Inputs]
GOOD = {
    "api-key": KEY,
    "model-name": "churn",
    "model-path": "model.pkl",
    "metrics": '{"auc": 0.91}',
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "model.pkl").write_bytes(b"weights")
    (tmp_path / "metrics.json").write_text('{"f1": 0.5}')
    (tmp_path / "ca.pem").write_text("CA")
    return tmp_path


@pytest.fixture
def ask(workspace: Path) -> Parse:
    """Parse the good inputs with some changed; None takes one away."""

    def call(changed: Mapping[str, str | None] = {}, **environ: str) -> Inputs:  # read only
        raw = {name: text for name, text in {**GOOD, **changed}.items() if text is not None}
        return parse(raw, environ, Roots(workspace))

    return call


def complaint(ask: Parse, changed: Mapping[str, str | None], **environ: str) -> RegisterError:
    with pytest.raises(RegisterError) as caught:
        ask(changed, **environ)
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix
    return caught.value


def test_good_inputs_become_one_frozen_value(ask: Parse) -> None:
    inputs = ask()
    assert isinstance(inputs.model.source, Artifact)
    assert (inputs.model.name, inputs.model.experiment) == ("churn", "churn")
    assert inputs.model.metrics == {"auc": 0.91}
    assert inputs.model.origin == "https://registry.hokus.ai"
    assert (inputs.tracking_uri, inputs.api_url) == (
        "https://registry.hokus.ai/api/mlflow",
        "https://registry.hokus.ai",
    )
    assert [step.backend for step in inputs.policy] == ["mlflow", "api"]
    assert (inputs.timeout, inputs.tls.verify, inputs.remarks) == (600, True, ())
    assert KEY not in repr(inputs)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_what_is_needed_is_asked_for_when_it_is_blank(name: str, ask: Parse) -> None:
    messages = {str(complaint(ask, {name: text})) for text in (None, "", "  ", "\n\t")}
    assert len(messages) == 1
    assert name in messages.pop()


@pytest.mark.parametrize("blank", [None, "", " \n"])
@pytest.mark.parametrize("field", [f for f in FIELDS if f.name not in GOOD], ids=lambda f: f.name)
def test_everything_else_may_be_blank(field: object, blank: str | None, ask: Parse) -> None:
    name = getattr(field, "name", "")
    assert ask({name: blank}) == ask()


@pytest.mark.parametrize(
    ("changed", "environ", "found"),
    [
        ({"api-key": None}, {"HOKUSAI_API_KEY": "from-environment"}, "from-environment"),
        ({"api-key": " "}, {"HOKUSAI_API_KEY": "  from-environment\n"}, "from-environment"),
        ({"api-key": f" {KEY}\r\n"}, {"HOKUSAI_API_KEY": "from-environment"}, KEY),
        ({}, {"HOKUSAI_API_KEY": "not, a, key"}, KEY),
    ],
)
def test_a_key_is_an_input_before_it_is_a_variable(
    changed: dict[str, str | None], environ: dict[str, str], found: str, ask: Parse
) -> None:
    assert ask(changed, **environ).credentials.key.reveal() == found


TOKEN: dict[str, str | None] = {
    "token-id": "Msg-AI",
    "metric-name": "AUC",
    "baseline-value": "0.8",
}

# what is given, in which variables, and which two addresses are asked
MINE = "https://mine.example"
HOKUSAI = "https://registry.hokus.ai"
ADDRESSES = [
    ({"tracking-uri": f"{MINE}/api/mlflow"}, {}, f"{MINE}/api/mlflow", MINE),
    ({"tracking-uri": f"{MINE}/mlflow/"}, {}, f"{MINE}/mlflow", ""),
    ({"tracking-uri": f"{HOKUSAI}/mlflow/"}, {}, f"{HOKUSAI}/mlflow", HOKUSAI),
    ({"api-url": MINE}, {}, f"{MINE}/api/mlflow", MINE),
    ({"api-url": f"{MINE}/api/"}, {}, f"{MINE}/api/mlflow", MINE),
    ({"api-url": MINE, "tracking-uri": "https://b.example"}, {}, "https://b.example", MINE),
    ({}, {"MLFLOW_TRACKING_URI": "https://b.example"}, "https://b.example", ""),
    ({"tracking-uri": MINE}, {"MLFLOW_TRACKING_URI": "https://b.example"}, MINE, ""),
    ({}, {"MLFLOW_TRACKING_URI": f"hokusai+{MINE}/api/mlflow"}, f"{MINE}/api/mlflow", MINE),
    ({"tracking-uri": MINE}, {"MLFLOW_REGISTRY_URI": f" {MINE}/ "}, MINE, ""),
    ({"tracking-uri": MINE}, {"MLFLOW_REGISTRY_URI": f"hokusai+{MINE}"}, MINE, ""),
    ({}, {"HOKUSAI_API_URL": MINE}, f"{MINE}/api/mlflow", MINE),
    ({}, {"HOKUSAI_API_ENDPOINT": MINE}, f"{MINE}/api/mlflow", MINE),
    (
        {},
        {"HOKUSAI_API_URL": MINE, "HOKUSAI_API_ENDPOINT": "https://b.example"},
        f"{MINE}/api/mlflow",
        MINE,
    ),
    ({"api-url": "http://localhost:1"}, {}, "http://localhost:1/api/mlflow", "http://localhost:1"),
    (
        {"api-url": "http://a.example", "allow-insecure-http": "true"},
        {},
        "http://a.example/api/mlflow",
        "http://a.example",
    ),
]


@pytest.mark.parametrize(("changed", "environ", "tracking_uri", "api_url"), ADDRESSES)
def test_one_address_says_where_the_other_is(
    changed: dict[str, str | None],
    environ: dict[str, str],
    tracking_uri: str,
    api_url: str,
    ask: Parse,
) -> None:
    inputs = ask(changed, **environ)
    assert (inputs.tracking_uri, inputs.api_url) == (tracking_uri, api_url)
    assert [step.backend for step in inputs.policy] == ["mlflow", "api"][: 2 if api_url else 1]


# what is changed, in which variables, the class of the complaint, its reason, what it says
Row = tuple[dict[str, str | None], dict[str, str], type[RegisterError], Reason, str]
BAD_INPUT, BAD_FILE = (InputError, Reason.INPUT), (FileError, Reason.FILE)
NO_KEY = (KeyMissingError, Reason.KEY_MISSING)
MALFORMED = (AuthError, Reason.KEY_MALFORMED)
WRONG: list[Row] = [
    ({"model-path": "no.pkl"}, {}, *BAD_FILE, "'no.pkl' does not exist"),
    ({"model-path": "/etc/passwd"}, {}, *BAD_FILE, "outside the workspace"),
    ({"metrics-file": "no.json", "metrics": None}, {}, *BAD_FILE, "'no.json' does not exist"),
    ({"ca-bundle": "no.pem"}, {}, *BAD_FILE, "'no.pem' does not exist"),
    ({"result-file": "no/result.json"}, {}, *BAD_FILE, "does not exist"),
    ({"result-file": "../result.json"}, {}, *BAD_FILE, "outside the workspace"),
    ({"api-key": None}, {}, *NO_KEY, "there is no key"),
    ({"api-key": ""}, {"MLFLOW_TRACKING_USERNAME": "me"}, *NO_KEY, "no key"),
    ({"api-key": "", "fallback": "local"}, {}, *NO_KEY, "the secret is not set"),
    ({"api-key": "", "on-missing-key": "skip"}, {}, *NO_KEY, "the secret is not set"),
    (
        {"api-key": ""},
        {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "dependabot[bot]"},
        *NO_KEY,
        "GitHub gives no secrets to Dependabot",
    ),
    ({"model-path": None}, {}, *BAD_INPUT, "neither is given"),
    ({"model-uri": "models:/churn/1"}, {}, *BAD_INPUT, "both are given"),
    (
        {"model-path": None, "model-uri": "runs:/a/model", "run-id": "b"},
        {},
        *BAD_INPUT,
        "says already which run",
    ),
    (
        {"model-path": None, "model-uri": "runs:/a/model", "tracking-uri": "sqlite:///x.db"},
        {},
        *BAD_INPUT,
        "let `mlflow server` serve that store",
    ),
    ({"model-pth": "model.pkl"}, {}, *BAD_INPUT, "did you mean 'model-path'?"),
    ({"metrcs": "a=1"}, {}, *BAD_INPUT, "did you mean 'metrics'?"),
    ({"model-type": "sklern"}, {}, *BAD_INPUT, "did you mean 'sklearn'?"),
    ({"fallback": "lokal"}, {}, *BAD_INPUT, "did you mean 'local'?"),
    ({"fallback": "Api"}, {}, *BAD_INPUT, "did you mean 'api'?"),
    ({"metrics-file": "metrics.json", "metrics": "f1=1"}, {}, *BAD_INPUT, "f1 is given in"),
    ({"metrics": "{}"}, {}, *BAD_INPUT, "no metrics given"),
    ({"metrics": None}, {}, *BAD_INPUT, "there are none"),
    ({"timeout": "0"}, {}, *BAD_INPUT, "seconds"),
    ({"timeout": "86401"}, {}, *BAD_INPUT, "seconds"),
    ({"alias": "v1"}, {}, *BAD_INPUT, "reserved"),
    ({"version": "1 0"}, {}, *BAD_INPUT, "`version`"),
    ({"model-path": None, "model-uri": "s3://x"}, {}, *BAD_INPUT, "runs:/RUN/PATH"),
    ({"description": "x" * 5001}, {}, *BAD_INPUT, "at most 5,000"),
    ({"params": '{"a": "' + "x" * 6001 + '"}'}, {}, *BAD_INPUT, "`params`"),
    ({"tags": "mlflow.user=me"}, {}, *BAD_INPUT, "`tags`"),
    ({"metadata": "[1]"}, {}, *BAD_INPUT, "`metadata`"),
    ({"summary": "maybe"}, {}, *BAD_INPUT, "neither true nor false"),
    ({"metrics": "\n".join(f"a{n}=1" for n in range(8000))}, {}, *BAD_INPUT, "can be read back"),
    ({"require-registered": "maybe"}, {}, *BAD_INPUT, "neither true nor false"),
    ({"on-missing-key": "skp"}, {}, *BAD_INPUT, "did you mean 'skip'?"),
    ({"dry-run": "maybe"}, {}, *BAD_INPUT, "neither true nor false"),
    ({**TOKEN, "token-id": "a_b"}, {}, *BAD_INPUT, "letters and digits"),
    ({**TOKEN, "metric-name": "f1_score"}, {}, *BAD_INPUT, "metrics (accuracy"),
    ({**TOKEN, "baseline-value": "1.5"}, {}, *BAD_INPUT, "from 0 to 1"),
    ({**TOKEN, "baseline-value": "high"}, {}, *BAD_INPUT, "`baseline-value`"),
    ({**TOKEN, "baseline-value": None}, {}, *BAD_INPUT, "`baseline-value`"),
    ({**TOKEN, "metric-name": None}, {}, *BAD_INPUT, "`metric-name`"),
    ({**TOKEN, "token-id": None}, {}, *BAD_INPUT, "`token-id`"),
    ({**TOKEN, "tags": "hokusai_token_id=x"}, {}, *BAD_INPUT, "sets itself"),
    ({**TOKEN, "tracking-uri": "https://b.example"}, {}, *BAD_INPUT, "`api-url`"),
    ({**TOKEN, "api-key": None}, {"MLFLOW_TRACKING_TOKEN": "t"}, *BAD_INPUT, "`api-key`"),
    ({"require-registered": "true"}, {"HOKUSAI_MOCK_MODE": "true"}, *BAD_INPUT, "the opposite"),
    (
        {"tracking-uri": "https://a.example"},
        {"HOKUSAI_MOCK_MODE": "true"},
        *BAD_INPUT,
        "the opposite",
    ),
    ({}, {"HOKUSAI_MOCK_MODE": "maybe"}, *BAD_INPUT, "`HOKUSAI_MOCK_MODE`"),
    ({}, {"HOKUSAI_OPTIONAL_MLFLOW": "maybe"}, *BAD_INPUT, "`HOKUSAI_OPTIONAL_MLFLOW`"),
    ({}, {"HOKUSAI_LOCAL_MLFLOW_URI": "ftp://x"}, *BAD_INPUT, "`HOKUSAI_LOCAL_MLFLOW_URI`"),
    ({"local-store": "../x"}, {}, *BAD_FILE, "outside the workspace"),
    ({"tracking-uri": "sqlite:////x/y.db"}, {}, *BAD_FILE, "outside the workspace"),
    ({"tracking-uri": "registry.hokus.ai/api/mlflow"}, {}, *BAD_INPUT, "not an http or https URL"),
    (
        {"tracking-uri": "sqlite:///y.db", "require-registered": "true"},
        {},
        *BAD_INPUT,
        "names a local store",
    ),
    ({}, {"MLFLOW_TRACKING_AWS_SIGV4": "on"}, *BAD_INPUT, "configure-aws-credentials"),
    ({"client-key": "ca.pem"}, {}, *BAD_INPUT, "needs `client-cert`"),
    ({"tracking-uri": "http://a.example"}, {}, *BAD_INPUT, "a.example in the clear"),
    ({"tracking-uri": "HTTP://A.example"}, {}, *BAD_INPUT, "a.example in the clear"),
    ({"api-url": "http://a.example"}, {}, *BAD_INPUT, "a.example in the clear"),
    ({}, {"MLFLOW_TRACKING_URI": "http://a.example"}, *BAD_INPUT, "`MLFLOW_TRACKING_URI`"),
    ({"tracking-uri": MINE}, {"MLFLOW_REGISTRY_URI": f"{MINE}/2"}, *BAD_INPUT, "blank for this"),
    ({}, {"MLFLOW_REGISTRY_URI": "databricks-uc"}, *BAD_INPUT, "`MLFLOW_REGISTRY_URI`"),
    ({"tracking-uri": "hokusai+http://a.example"}, {}, *BAD_INPUT, "a.example in the clear"),
    ({}, {"MLFLOW_WORKSPACE": "Team"}, *BAD_INPUT, "`MLFLOW_WORKSPACE`"),
    ({}, {"MLFLOW_TRACKING_URI": "mysql://x"}, *BAD_INPUT, "`MLFLOW_TRACKING_URI`"),
    ({}, {"SSL_CERT_FILE": "/no.pem"}, *BAD_INPUT, "`SSL_CERT_FILE`"),
    ({}, {"MLFLOW_TRACKING_INSECURE_TLS": "maybe"}, *BAD_INPUT, "`MLFLOW_TRACKING_INSECURE_TLS`"),
    ({}, {"MLFLOW_TRACKING_INSECURE_TLS": "true"}, *BAD_INPUT, "whoever answers"),
    (
        {"tracking-uri": "https://localhost", "api-url": "https://a.example"},
        {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
        *BAD_INPUT,
        "whoever answers",
    ),
    ({}, {"MLFLOW_TRACKING_TOKEN": "a\nb"}, *MALFORMED, "MLFLOW_TRACKING_TOKEN is malformed"),
    ({}, {"MLFLOW_TRACKING_TOKEN": "“quoted”"}, *MALFORMED, "MLFLOW_TRACKING_TOKEN is malformed"),
    ({}, {"MLFLOW_TRACKING_PASSWORD": "a\0b"}, *MALFORMED, "PASSWORD is malformed"),
]


@pytest.mark.parametrize(("changed", "environ", "kind", "reason", "said"), WRONG)
def test_one_problem_keeps_its_own_class(
    changed: dict[str, str | None],
    environ: dict[str, str],
    kind: type[RegisterError],
    reason: Reason,
    said: str,
    ask: Parse,
) -> None:
    error = complaint(ask, changed, **environ)
    assert (type(error), error.reason) == (kind, reason)
    assert said in str(error)


@pytest.mark.parametrize(
    ("changed", "environ", "kind", "reason"),
    [
        ({"model-path": "no", "metrics-file": "no"}, {}, *BAD_FILE),
        ({"model-path": "no", "timeout": "no"}, {}, *BAD_INPUT),
        ({"api-key": "a b"}, {"MLFLOW_TRACKING_TOKEN": "a\nb"}, *MALFORMED),
        ({"api-key": None, "timeout": "no"}, {}, *BAD_INPUT),
    ],
)
def test_several_problems_are_one_complaint_of_the_class_that_they_share(
    changed: dict[str, str | None],
    environ: dict[str, str],
    kind: type[RegisterError],
    reason: Reason,
    ask: Parse,
) -> None:
    error = complaint(ask, changed, **environ)
    assert (type(error), error.reason) == (kind, reason)
    assert error.what == "2 things are wrong with the inputs"


def test_all_problems_are_told_at_once(ask: Parse) -> None:
    wrong = {"model-name": "a/b", "timeout": "no", "alias": "v1", "metrics": "auc=x", "api-key": ""}
    error = complaint(ask, {**wrong, "model-path": "no.pkl", "summary": "perhaps"})
    assert error.what == "7 things are wrong with the inputs"
    assert error.exit_code == 2
    for part in ("model-name", "timeout", "alias", "metrics", "no key", "no.pkl", "summary"):
        assert part in error.why


@pytest.mark.parametrize(
    "key",
    [
        f"Bearer {KEY}",
        f'"{KEY}"',
        f"'{KEY}'",
        f"{KEY}\nsecond line",
        f"{KEY}\r\n::error::x",
        f"{KEY}é",
        f"{KEY}\u200b",
        f"{KEY}\0",
        f"X-API-Key: {KEY}",
        "*" * 24,
    ],
)
def test_a_malformed_key_is_refused_and_never_shown(key: str, ask: Parse) -> None:
    alone = complaint(ask, {"api-key": key})
    assert (type(alone), alone.reason, alone.exit_code) == (AuthError, Reason.KEY_MALFORMED, 3)
    among_others = complaint(ask, {"api-key": key, "timeout": "no"})
    for error in (alone, among_others):
        assert key not in str(error)
        assert KEY not in f"{error} {error!r}"


@pytest.mark.parametrize("text", ["false", "FALSE", "0", "no", "off", "", " "])
def test_a_variable_that_says_no_is_not_taken_for_yes(text: str, ask: Parse) -> None:
    names = ("HOKUSAI_MOCK_MODE", "HOKUSAI_OPTIONAL_MLFLOW", "MLFLOW_TRACKING_INSECURE_TLS")
    assert ask({}, **dict.fromkeys(names, text)) == ask()


@pytest.mark.parametrize("text", ["False", "no", "0"])
def test_a_dry_run_that_is_not_wanted_is_no_problem(text: str, ask: Parse) -> None:
    assert ask({"dry-run": text}) == ask()


def test_certificates_unchecked_take_an_input_that_says_so(ask: Parse) -> None:
    inputs = ask({"insecure-tls": "true"})
    assert not inputs.tls.verify
    assert "certificates are not checked" in inputs.remarks[0]
    off = ask({"insecure-tls": "false"}, MLFLOW_TRACKING_INSECURE_TLS="true")
    assert off.tls.verify
    here = ask({"api-url": "https://localhost:1"}, MLFLOW_TRACKING_INSECURE_TLS="true")
    assert not here.tls.verify


def test_a_key_in_the_clear_is_told_of(ask: Parse) -> None:
    inputs = ask({"allow-insecure-http": "true"})
    assert "(allow-insecure-http): for development only" in inputs.remarks[0]
    assert ask({"allow-insecure-http": "false"}).remarks == ()


def test_a_ca_bundle_is_in_the_workspace_or_where_a_variable_says(
    ask: Parse, workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("etc") / "ca.pem"
    elsewhere.write_text("CA")
    assert ask({"ca-bundle": "ca.pem"}).tls.ca_bundle == workspace / "ca.pem"
    assert ask({}, REQUESTS_CA_BUNDLE=str(elsewhere)).tls.ca_bundle == elsewhere
    first = ask({}, MLFLOW_TRACKING_CA_BUNDLE_PATH=str(elsewhere), SSL_CERT_FILE="/no.pem")
    assert first.tls.ca_bundle == elsewhere


def test_metrics_may_come_from_two_places(ask: Parse) -> None:
    assert ask({"metrics-file": "metrics.json"}).model.metrics == {"auc": 0.91, "f1": 0.5}


@pytest.mark.parametrize(
    ("changed", "environ", "said"),
    [
        ({"model-type": "onnx", "model-path": "booster.ubj"}, {}, "the files look like xgboost"),
        ({"model-path": "folder"}, {}, "left out of the model: .env (may hold credentials)"),
        ({"api-key": "short"}, {}, "so short"),
    ],
)
def test_what_stops_nothing_is_remarked(
    changed: dict[str, str | None], environ: dict[str, str], said: str, ask: Parse, workspace: Path
) -> None:
    (workspace / "folder").mkdir()
    (workspace / "folder" / ".env").write_text("KEY=x")
    (workspace / "folder" / "weights.bin").write_text("x")
    head = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x00\x00\x00\x00\x00\x00\x00"
    (workspace / "booster.ubj").write_bytes(head)
    assert any(said in remark for remark in ask(changed, **environ).remarks)


def test_what_was_left_out_is_named_in_short(ask: Parse, workspace: Path) -> None:
    for number in range(100):
        (workspace / "many" / f"{number}" / ".git").mkdir(parents=True)
    (workspace / "many" / "weights.bin").write_text("x")
    (remark,) = ask({"model-path": "many"}).remarks
    assert remark.endswith("and 90 more")


def test_a_model_uri_leaves_the_api_out(ask: Parse) -> None:
    inputs = ask({"model-path": None, "model-uri": "runs:/abc/model"})
    assert inputs.model.source == "runs:/abc/model"
    assert inputs.model.kind == "custom"
    assert [step.backend for step in inputs.policy] == ["mlflow"]


def test_mlflow_may_have_a_login_of_its_own(ask: Parse) -> None:
    inputs = ask({"api-key": None}, MLFLOW_TRACKING_USERNAME="me", MLFLOW_TRACKING_PASSWORD="pä")
    assert (inputs.credentials.user, inputs.credentials.password) == ("me", Secret("pä"))
    assert [step.backend for step in inputs.policy] == ["mlflow"], "the API knows only the key"
    assert ask({"api-key": None}, MLFLOW_TRACKING_TOKEN="t").credentials


def test_inputs_that_every_container_action_has_are_none_of_ours(ask: Parse) -> None:
    assert ask({"args": "x", "entrypoint": "y", "zzz": "z"}) == ask()


def test_everything_secret_is_known_before_anything_is_checked() -> None:
    raw = {"api-key": " one\n"}
    environ = {
        "HOKUSAI_API_KEY": "two",
        "MLFLOW_TRACKING_TOKEN": "three",
        "MLFLOW_TRACKING_PASSWORD": " four ",
        "MLFLOW_TRACKING_USERNAME": "nobody hides",
        "AWS_ACCESS_KEY_ID": "five",
        "AWS_SECRET_ACCESS_KEY": "six",
        "AWS_SESSION_TOKEN": "seven",
        "AWS_REGION": "nobody hides",
    }
    found = [secret.reveal() for secret in secrets(raw, environ)]
    assert found == ["one", "two", "three", "four", "five", "six", "seven"]
    assert secrets({"api-key": " "}, {}) == []


def test_logins_in_addresses_are_secrets_too() -> None:
    raw = {"tracking-uri": "https://me:one@a.example", "api-url": "https://a.example:443"}
    environ = {
        "HOKUSAI_API_URL": "me:two@a.example",
        "https_proxy": "http://me:thr%65e@proxy.example:3128",
        "ALL_PROXY": "http://me@proxy.example",
        "NO_PROXY": "a.example,[",
        "HTTP_PROXY": "http://[",
        "GITHUB_SERVER_URL": "https://me:nobody-s@a.example",
    }
    assert [s.reveal() for s in secrets(raw, environ)] == ["one", "two", "three"]


@pytest.mark.parametrize("name", ["description", "tags", "version", "model-name", "api-url"])
def test_no_input_may_hold_a_part_of_the_key(ask: Parse, name: str) -> None:
    for part in (KEY, KEY[:12], KEY.encode().hex()):
        error = complaint(ask, {name: f"a={part}"})
        assert f"`{name}`" in str(error)
        assert "it holds a part of the key" in error.why
    assert "it holds a part" not in str(complaint(ask, {name: f"a/:={KEY[:11]}", "timeout": "x"}))
    assert (
        "it holds"
        in complaint(ask, {name: "a=sesame open"}, MLFLOW_TRACKING_TOKEN="sesame open").why
    )


def test_a_key_that_is_a_word_may_stand_in_other_inputs(ask: Parse) -> None:
    assert ask({"api-key": "churn", "description": "a test of churn"}).credentials.key


NAMES = [field.name for field in FIELDS]
VARIABLES = sorted({variable for field in FIELDS for variable in field.env})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.dictionaries(st.sampled_from(NAMES) | texts(), texts() | st.text()),
    environ=st.dictionaries(st.sampled_from(VARIABLES), texts() | st.text()),
    key=st.sampled_from([KEY, f"{KEY} ", f"Bearer {KEY}", f"{KEY}\n{KEY}", f"{KEY}\0"]),
)
def test_whatever_is_given_the_answer_is_inputs_or_an_error_without_the_key(
    raw: dict[str, str], environ: dict[str, str], key: str, workspace: Path
) -> None:
    try:
        shown = repr(parse({**GOOD, **raw, "api-key": key}, environ, Roots(workspace)))
    except RegisterError as error:
        shown = f"{error} {error!r}"
    assert KEY not in shown


def backends(inputs: Inputs) -> str:
    return " ".join(step.backend for step in inputs.policy)


@pytest.mark.parametrize(
    ("changed", "environ", "tried"),
    [
        ({}, {}, "mlflow api"),
        ({"fallback": "none"}, {}, "mlflow"),
        ({"fallback": "local"}, {}, "mlflow api local"),
        ({"fallback": "mock"}, {}, "mlflow api local mock"),
        ({"fallback": None}, {"HOKUSAI_OPTIONAL_MLFLOW": "true"}, "mlflow api local mock"),
        ({"fallback": None}, {"HOKUSAI_OPTIONAL_MLFLOW": "false"}, "mlflow api"),
        ({"fallback": "none"}, {"HOKUSAI_OPTIONAL_MLFLOW": "true"}, "mlflow"),
        ({"fallback": "mock", "require-registered": "true"}, {}, "mlflow api"),
        ({}, {"HOKUSAI_MOCK_MODE": "true"}, "mock"),
        ({"api-key": None}, {"HOKUSAI_MOCK_MODE": "true"}, "mock"),
        ({}, {"HOKUSAI_MOCK_MODE": "false"}, "mlflow api"),
        ({}, {"HOKUSAI_MOCK_MODE": "0"}, "mlflow api"),
        ({"api-key": None, "fallback": "mock"}, {}, "mlflow api local mock"),
        ({"api-key": None}, {"MLFLOW_TRACKING_URI": "sqlite:///x.db"}, "local"),
        ({"tracking-uri": "./kept"}, {}, "local"),
    ],
)
def test_how_far_it_falls_back(
    ask: Parse, changed: dict[str, str | None], environ: dict[str, str], tried: str
) -> None:
    assert backends(ask(changed, **environ)) == tried


def test_a_fork_without_a_key_may_be_skipped(ask: Parse) -> None:
    event = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "dependabot[bot]"}
    asked = ask({"api-key": None, "on-missing-key": "skip"}, **event)
    assert asked.skip is not None
    assert asked.skip.reason is Reason.KEY_MISSING
    assert ask({"on-missing-key": "skip"}, **event).skip is None, "a key is there"


@pytest.mark.parametrize(
    ("uri", "database"),
    [
        ("sqlite:///x.db", "x.db"),
        ("./kept", "kept/mlflow.db"),
        ("file:./kept", "kept/mlflow.db"),
    ],
)
def test_a_local_uri_names_a_database(ask: Parse, uri: str, database: str) -> None:
    local = ask({"tracking-uri": uri}).local
    assert local.database.relative_to(Path(local.workspace).resolve()).as_posix() == database


def test_of_several_logins_the_one_that_is_taken_is_named(ask: Parse) -> None:
    told = ask(MLFLOW_TRACKING_TOKEN="t").remarks
    assert told == ("MLflow is logged in to with MLFLOW_TRACKING_TOKEN, not with the Hokusai key",)
    assert ask().remarks == ()


def test_a_token_is_all_three_inputs(ask: Parse) -> None:
    assert ask().model.token is None
    inputs = ask(TOKEN)
    assert inputs.model.token == Token(id="MSG-AI", metric="auc", baseline=0.8)
    assert inputs.remarks == ()


def test_a_baseline_of_nothing_is_taken_with_a_warning(ask: Parse) -> None:
    (remark,) = ask({**TOKEN, "baseline-value": "0"}).remarks
    assert "502" in remark


@pytest.mark.parametrize(
    "changed",
    [{"tracking-uri": "sqlite:///x.db"}, {"tracking-uri": "https://b.example", "api-url": MINE}],
)
def test_who_needs_no_announcer_needs_no_address_of_one(
    changed: dict[str, str | None], ask: Parse
) -> None:
    assert ask({**TOKEN, **changed}).model.token


def test_a_token_needs_no_key_where_nobody_is_asked(ask: Parse) -> None:
    environ = {"HOKUSAI_MOCK_MODE": "true"}
    assert ask({**TOKEN, "api-key": None}, **environ).model.token


def test_what_a_bundle_says_is_checked_too(ask: Parse, workspace: Path) -> None:
    files = ask(TOKEN).model
    assert isinstance(files.source, Artifact)
    kept = bundle.keep(files, files.source, (), workspace / "bundles")
    only = dict.fromkeys(GOOD.keys() - {"api-key"})
    path = str(kept.relative_to(workspace))
    assert ask({**only, "model-path": path}).model.token == files.token
    error = complaint(ask, {**only, "model-path": path, "tracking-uri": "https://b.example"})
    assert "`api-url`" in error.what

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import partial

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hokusai_register import mappings
from hokusai_register.mappings import LARGEST, document, metrics, number, strings
from hostile import texts

READERS: list[Callable[[str], object]] = [
    metrics,
    document,
    number,
    partial(strings, what="tags", longest=5_000),
]
NAMES = st.from_regex(r"[a-z0-9é][a-z0-9é_.\- ]{0,8}[a-z0-9]", fullmatch=True)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


params = partial(strings, what="params", longest=6_000)


def complaint(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(ValueError, match=r"\S") as caught:
        read(text)
    assert type(caught.value) is ValueError
    return str(caught.value)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML has two parsers, and not every machine has the one in C."""
    monkeypatch.setattr(mappings, "_LOADER", getattr(yaml, request.param))


@pytest.mark.usefixtures("_loader")
@pytest.mark.parametrize(
    "text",
    [
        '{"accuracy": 0.95, "loss": 1e-3}',
        '\ufeff\n {"accuracy": 9.5e-1, "loss": 0.001}',
        "{accuracy: 0.95, loss: .001}",
        "{'accuracy': 0.95, 'loss': +1.e-3,} # the last epoch",
        "accuracy: 0.95\nloss: 1e-3",
        "%YAML 1.1\n---\n# the last epoch\naccuracy: 0.95\r\nloss: 0.001 # low\n...\n",
        "? accuracy\n: 0.95\n'loss': 1E-3",
        "accuracy=0.95\nloss=1e-3",
        "\n# the last epoch\r\n  accuracy = 0.95\r\n\r\nloss= 1e-3",
    ],
)
def test_all_forms_of_the_same_metrics(text: str) -> None:
    assert metrics(text) == {"accuracy": 0.95, "loss": 0.001}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("metrics: 0.9", {"metrics": 0.9}),
        ("val/loss.top-5 é: -0", {"val/loss.top-5 é": 0.0}),
        ("a:b=1", {"a:b": 1.0}),
        ("a=1\rb=2\n\rc=3", {"a": 1.0, "b": 2.0, "c": 3.0}),
        ("a: 1.", {"a": 1.0}),
        ("a: 12345678901234567890", {"a": 12345678901234567890.0}),
        ("a: 1e308", {"a": 1e308}),
        ("a" * 250 + "=1", {"a" * 250: 1.0}),
        ('{"a": 1E+2}', {"a": 100.0}),
    ],
)
def test_metrics_that_look_odd(text: str, value: dict[str, float]) -> None:
    assert metrics(text) == value


@pytest.mark.usefixtures("_loader")
@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff", "{}", "# nothing yet", "---", "{\n}"])
def test_no_metrics_are_a_problem_and_no_params_are_none(text: str) -> None:
    assert complaint(metrics, text).startswith("no metrics given: write at least one")
    assert params(text) == {}
    assert document(text) == {}


@pytest.mark.parametrize("text", ["metrics.json", " ./out/metrics.yaml\n", "C:\\m.yml", "*.json"])
def test_a_path_is_not_metrics(text: str) -> None:
    assert complaint(metrics, text).endswith("looks like a file: give it as `metrics-file`")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('accuracy: "0.95"', "accuracy is text ('0.95'): remove the quotes"),
        ('{"accuracy": "0.95"}', "accuracy is text ('0.95'): remove the quotes"),
        ("a: good", "a is text ('good'): write a decimal number such as 0.95"),
        ("a: 'good'", "a is text ('good'): write a decimal number such as 0.95"),
        ("a: 95%", "a is text ('95%')"),
        ("a: 0,95", "a is text ('0,95')"),
        ("a: 0.9, b: 0.8", "no YAML: mapping values are not allowed"),
        ("a: 1:30", "a is text ('1:30')"),
        ("a: 0x1F", "a is text ('0x1F')"),
        ("a: 1_000", "a is text ('1_000')"),
        ("a: 010", "a is text ('010')"),
        ("a: yes", "a is text ('yes')"),
        ("a: ٣", "a is text ('٣')"),
        ("a: 1e", "a is text ('1e')"),
        ("a: .", "a is text ('.')"),
        ("a=b: c", "a is text ('b: c')"),
        ("a: b=c", "a is text ('b=c')"),
        ("a:\tb=c", "a is text ('b=c')"),
        ("a: |\n  1\u202e", r"a is text ('1\u202e"),
        ("a: true", "a is true: write a number"),
        ('{"a": false}', "a is false: write a number"),
        ("a:", "a has no value: write a number"),
        ("a=", "a has no value"),
        ("a: ~", "a has no value"),
        ('{"a": null}', "a has no value"),
        ("{a:0.95}", "a:0.95 has no value: write a number (in YAML, after a colon and a space)"),
        ("a: [1]", "a is a list: give each number a name of its own"),
        ('{"a": {"b": 1}}', "a is a mapping: give each number a name of its own"),
        ("a: .nan", "a is not a finite number (.nan): leave it out"),
        ("a: -.INF", "a is not a finite number (-.INF)"),
        ("a=nan", "a is not a finite number (nan)"),
        ("a: 1e999", "a is not a finite number (1e999)"),
        ('{"a": NaN}', "a is not a finite number (NaN)"),
        ('{"a": -Infinity}', "a is not a finite number (-Infinity)"),
        ('{"a": 1e309}', "a is not a finite number (1e309)"),
        ("a: " + "9" * 400, "a is not a finite number (99"),
    ],
)
def test_a_metric_is_one_finite_number(text: str, problem: str) -> None:
    assert complaint(metrics, text).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", "the name 'a' is given twice"),
        ('{"a": 1, "a": 1}', "the name 'a' is given twice"),
        ("a=1\na=2", "the name 'a' is given twice"),
        ("F1: 1\nf1: 2", "the name 'f1' is 'F1' but for its case: some registries"),
        ("straße: 1\nSTRASSE: 2", "the name 'STRASSE' is 'straße' but for its case"),
        ("\u8c48: 1\n\uf900: 2", "the name '\uf900' is '\u8c48' but for its case"),
        ('"": 1', "the name '' is empty"),
        ("=1", "the name '' is empty"),
        ("a@1: 1", "the name 'a@1' has '@': use letters, digits, spaces and _ - . : /"),
        ("a(b)=1", "the name 'a(b)' has '('"),
        ('"a\\nb": 1', r"the name 'a\nb' has '\n'"),
        ('"a\\n": 1', r"the name 'a\n' has '\n'"),
        ('{"\\u0000": 1}', r"the name '\x00' has '\x00'"),
        ('{"\\ud800": 1}', r"the name '\ud800' has '\ud800'"),
        ("e\u0301: 1", r"the name 'e" + "\u0301" + r"' has '\u0301'"),
        ("😀: 1", r"the name '😀' has '\U0001f600'"),
        ("a" * 251 + ": 1", "the name 'aaa"),
        ('" a": 1', "the name ' a' starts or ends with a space"),
        ('"a ": 1', "the name 'a ' starts or ends with a space"),
        ("a//b: 1", "the name 'a//b' looks like a path"),
        ("/a: 1", "the name '/a' looks like a path"),
        ("a/: 1", "the name 'a/' looks like a path"),
        ("../a: 1", "the name '../a' looks like a path"),
        ("a/./b: 1", "the name 'a/./b' looks like a path"),
        ("a/..=1", "the name 'a/..' looks like a path"),
        (".: 1", "the name '.' looks like a path"),
        ("..a: 1", "the name '..a' looks like a path"),
        ("a::b: 1", "the name 'a::b' has '::': use one colon"),
        ("{<<: 1}", "line 1: merge keys are not read"),
        ('{"<<": 1}', "the name '<<' has '<'"),
    ],
)
def test_a_name_is_one_that_servers_keep(text: str, problem: str) -> None:
    for read in (metrics, params):
        assert complaint(read, text).startswith(problem)


def test_names_of_paths_and_dots_that_servers_take() -> None:
    assert len(metrics("a.b: 1\n.a: 1\na/b..c/d: 1\na:b: 1\na b: 1\n٣: 1")) == 6


def test_all_problems_come_together_but_not_without_end() -> None:
    said = complaint(metrics, "a: x\nb@: 1\nc:\nd: .inf\ne: true\nf: []\ng: ''")
    assert said.count("; ") == 5
    assert said.endswith("e is true: write a number; and 2 more")
    assert complaint(metrics, "a:\nb:\nc:\nd:\ne: true").endswith("; e is true: write a number")
    said = complaint(metrics, "a: {}\nb: true")
    assert said == "a is a mapping: give each number a name of its own; b is true: write a number"


@pytest.mark.usefixtures("_loader")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "line 1: anchors, aliases and tags are not read: write the value itself"),
        ("a: 1\nb: *a", "line 2: anchors, aliases and tags are not read"),
        ("a: 1\nb: &b 2", "line 2: anchors, aliases and tags are not read"),
        ("a: !!float 1", "line 1: anchors, aliases and tags are not read"),
        ("a: ! 1", "line 1: anchors, aliases and tags are not read"),
        ("!!python/object:os.system {a: 1}", "line 1: anchors, aliases and tags are not read"),
        ("{a: &b 1}", "line 1: anchors, aliases and tags are not read"),
        ("a: 1\n<<: {b: 1}", "line 2: merge keys are not read: write the entries themselves"),
        ("a: 1\n---\nb: 2", "line 2: a second document starts: give one"),
        ("? [a]\n: 1", "line 1: a name must be text"),
        ("? {a: 1}\n: 1", "line 1: a name must be text"),
        ("a:\n\tb: 1", "line 2 is indented with a tab: use spaces"),
        ("a: 1\n \tb: 1", "line 2 is indented with a tab: use spaces"),
        ("a: 1\nb\0: 1", r"line 2 has '\x00': save it as UTF-8 without control characters"),
        ("a=\x1b[1m", r"line 1 has '\x1b'"),
        ("a: \ud800", r"line 1 has '\ud800'"),
        ("a: 1\nb: \ufeff1", r"line 2 has '\ufeff'"),
        ("a: " + "[" * 50 + "]" * 50, "line 1: it is nested more than 50 deep"),
        ("[" * 10_000, "line 1: it is nested more than 50 deep"),
        ('{"a":' * 10_000, "it is nested more than 50 deep"),
        ("a:0.95", "found 'a:0.95' and no mapping: write a JSON object"),
        ("a\nb", "found 'a b' and no mapping"),
        ("- a: 1", "found a list and no mapping"),
        ("- a=1", "found a list and no mapping"),
        ('[{"a": 1}]', "found a list and no mapping"),
        ("0.95", "found '0.95' and no mapping"),
        ("a=1\nb: 2", "no YAML: mapping values are not allowed"),
        ("a: 'b", "no YAML: "),
        ('{"a": 1', "no JSON: Expecting ',' delimiter (line 1, column 8); write a JSON object"),
        ('{"a": 1}\n{"b": 2}', "no JSON: Extra data (line 2, column 1)"),
        ("a=" + "1" * LARGEST, "it is larger than 1048576 bytes"),
        ("a=" + "é" * (LARGEST // 2), "it is larger than 1048576 bytes"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_plain_mapping(text: str, problem: str) -> None:
    for read in (metrics, params, document):
        assert complaint(read, text).startswith(problem)


def test_syntax_errors_say_where() -> None:
    said = complaint(metrics, "a: 1\nb: 2: 3\n")
    assert re.match(r"no YAML: .* \(line 2, column \d+\); write a JSON", said)


@pytest.mark.usefixtures("_loader")
@pytest.mark.parametrize(
    "text",
    [
        "lr: 0.10\nclock: 1:30\nok: true\nhex: 0x1F\nempty: ''\nurl: a=b",
        '{"lr": 0.10, "clock": "1:30", "ok": true, "hex": "0x1F", "empty": "", "url": "a=b"}',
        "{lr: 0.10, clock: 1:30, ok: true, hex: 0x1F, empty: '', url: a=b}",
    ],
)
def test_params_stay_as_they_are_written(text: str) -> None:
    assert params(text) == {
        "lr": "0.10",
        "clock": "1:30",
        "ok": "true",
        "hex": "0x1F",
        "empty": "",
        "url": "a=b",
    }
    assert {type(value) for value in params(text).values()} == {str}


def test_lines_split_at_the_first_sign_only() -> None:
    assert params('url=https://x?a=b: c\nq="x"\nn = NaN') == {
        "url": "https://x?a=b: c",
        "q": '"x"',
        "n": "NaN",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:", 'a has no value: write "" for an empty text'),
        ("a=", "a has no value"),
        ('{"a": null}', "a has no value"),
        ("a: [x]", "a is a list: write one text"),
        ("a: {b: x}", "a is a mapping: write one text"),
        ("a: " + "x" * 6_001, "a has 6001 characters: servers keep only 6000"),
        ('a: "\\0"', r"a has '\x00', which servers do not take: remove it"),
        ('{"a": "\\udc80"}', r"a has '\udc80', which servers do not take"),
        ("mlflow.user: x", "the name 'mlflow.user' is reserved: begin it with something else"),
        ("Hokusai.state: x", "the name 'Hokusai.state' is reserved"),
        ("\n".join(f"p{index}=1" for index in range(1_001)), "1001 params are too many"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_param_is_one_text_that_servers_keep(text: str, problem: str) -> None:
    assert complaint(params, text).startswith(problem)


def test_the_most_and_the_longest_that_is_taken() -> None:
    assert len(params("\n".join(f"p{index}=1" for index in range(1_000)))) == 1_000
    assert document("a=" + "x" * (LARGEST - 2)) == {"a": "x" * (LARGEST - 2)}
    assert params("a: " + "é" * 6_000) == {"a": "é" * 6_000}
    assert params("mlflowx: 1\nhokusai: 2") == {"mlflowx": "1", "hokusai": "2"}
    assert metrics("mlflow.x: 1") == {"mlflow.x": 1.0}
    hundred = "\n".join(f"t{index}: x" for index in range(100))
    assert len(strings(hundred, what="tags", longest=9)) == 100
    said = complaint(partial(strings, what="tags", longest=9), hundred + "\nmore: x")
    assert said == "101 tags are too many: give at most 100"


@pytest.mark.usefixtures("_loader")
def test_a_document_says_what_json_can_say() -> None:
    text = """
    team: {name: vision, size: 3, lead: null, "on call": [yes, true, ~, 1e2, 0x1F, "1"]}
    version: 1.10
    commit: 0012345
    when: 2024-01-01
    big: 123456789012345678901
    """
    assert document(text) == {
        "team": {
            "name": "vision",
            "size": 3,
            "lead": None,
            "on call": ["yes", True, None, 100.0, "0x1F", "1"],
        },
        "version": 1.1,
        "commit": "0012345",
        "when": "2024-01-01",
        "big": 123456789012345678901,
    }
    assert document("a@b=1") == {"a@b": 1}
    assert document('"<<": {"<<": 1}') == {"<<": {"<<": 1}}
    # Half of a character at a time, as only JSON writes it.
    assert document(' {"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.usefixtures("_loader")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {b: 1, b: 2}", "the name 'a.b' is given twice"),
        ('{"a": [{"b": 1, "b": 2}]}', "the name 'a[0].b' is given twice"),
        ('a: {"": 1}', "the name 'a.' is empty"),
        ("a: [1, {b: .nan}]", "a[1].b is not a finite number (.nan)"),
        ('{"a": [NaN]}', "a[0] is not a finite number (NaN)"),
        ('{"a": ["\\ud800"]}', r"a[0] has '\ud800'"),
        ('{"a": {"\\u0000": 1}}', r"the name 'a.\x00' has '\x00'"),
        ('{"a":' + "[" * 50 + "]" * 50 + "}", "a[0][0]"),
        ('{"a":' * 51 + "1" + "}" * 51, "a.a.a"),
        ("a: {b: " + "9" * 400 + "}", "a.b is not a finite number"),
        ("a: .inf\nb: .inf", "a is not a finite number (.inf): leave it out; b is not"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_a_document_cannot_say(text: str, problem: str) -> None:
    assert complaint(document, text).startswith(problem)


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_document_of_just_the_depth(brackets: str) -> None:
    opened = brackets[0] if brackets == "[]" else '{"a":'
    text = '{"a":' + opened * 49 + "1" + brackets[1] * 49 + "}"
    assert json.dumps(document(text)).replace(" ", "") == text
    assert document(text + " # as YAML") == document(text)


@pytest.mark.parametrize("text", ["0.95", " +.95 ", "95e-2"])
def test_a_number(text: str) -> None:
    assert math.isclose(number(text), 0.95)


@pytest.mark.parametrize("text", ["", "x", "1e999", "nan", "true", "null", '"1"', "1 2", "1_0"])
def test_no_number(text: str) -> None:
    assert complaint(number, text).startswith(("it is ", "it has "))


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("read", READERS)
@given(text=texts() | st.text("{}[]:=-? &*!|>'\"#%\n\tab01.,~<", max_size=40))
def test_nothing_but_a_complaint_in_one_line(
    read: Callable[[str], object], loader: str, text: str
) -> None:
    said = "ValueError"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mappings, "_LOADER", getattr(yaml, loader))
        try:
            read(text)
        except ValueError as error:
            said = f"{type(error).__name__}: {error}"
    assert said.startswith("ValueError")
    assert said.isprintable()


@given(st.dictionaries(NAMES, FLOATS, min_size=1))
def test_metrics_come_back_from_every_form(values: dict[str, float]) -> None:
    assert metrics(json.dumps(values)) == values
    assert metrics(yaml.safe_dump(values, allow_unicode=True)) == values
    assert metrics("\n".join(f"{name}={value!r}" for name, value in values.items())) == values


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_texts_come_back_from_json_and_yaml(values: dict[str, str]) -> None:
    assert params(json.dumps(values)) == values
    assert params(yaml.safe_dump(values, default_style='"')) == values


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**64), 2**64) | FLOATS | VALUES,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_documents_come_back_from_json(values: dict[str, object]) -> None:
    assert document(json.dumps(values)) == values

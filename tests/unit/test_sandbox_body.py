"""Everything that is wrong with a baseline request is named, in FastAPI's form."""

from __future__ import annotations

import pytest

from hokusai_register.sandbox.body import Problem, parse


def test_takes_what_it_knows_and_was_given() -> None:
    raw = b'{"model_type": "t", "version": null, "metrics": {"a": 1, "b": -0.5}, "other": 1}'
    assert parse(raw) == {"model_type": "t", "metrics": {"a": 1, "b": -0.5}}


@pytest.mark.parametrize(
    ("raw", "kind", "path"),
    [
        (b"", "json_invalid", ()),
        (b"{", "json_invalid", ()),
        (b"\xff\xfe", "json_invalid", ()),
        (b"[" * 100_000, "json_invalid", ()),
        (b"[]", "dict_type", ()),
        (b'"text"', "dict_type", ()),
        (b"{}", "missing", ("model_type",)),
        (b'{"model_type": null}', "missing", ("model_type",)),
        (b'{"model_type": 1}', "string_type", ("model_type",)),
        (b'{"model_type": ""}', "string_too_short", ("model_type",)),
        (b'{"model_type": "t", "version": 1}', "string_type", ("version",)),
        (b'{"model_type": "t", "model_id": ["a"]}', "string_type", ("model_id",)),
        (b'{"model_type": "t", "model_id": "\\ud800"}', "string_unicode", ("model_id",)),
        (b'{"model_type": "t", "mlflow_run_id": {}}', "string_type", ("mlflow_run_id",)),
        (b'{"model_type": "t", "metrics": []}', "dict_type", ("metrics",)),
        (b'{"model_type": "t", "metrics": {"x": "0.8"}}', "float_type", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": true}}', "float_type", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": null}}', "float_type", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": NaN}}', "finite_number", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": -Infinity}}', "finite_number", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": 1e309}}', "finite_number", ("metrics", "x")),
        (b'{"model_type": "t", "metrics": {"x": 1%s}}' % (b"0" * 400), "finite_number", None),
        (b'{"model_type": "t", "metadata": 1}', "dict_type", ("metadata",)),
        (b'{"model_type": "t", "metadata": {"a": [NaN]}}', "finite_number", ("metadata",)),
    ],
)
def test_names_what_is_wrong(raw: bytes, kind: str, path: tuple[str, ...] | None) -> None:
    path = ("metrics", "x") if path is None else path
    assert parse(raw) == [Problem(kind, path)]


def test_names_all_of_it_at_once() -> None:
    problems = parse(b'{"metrics": {"x": NaN, "y": ""}, "version": 2, "metadata": []}')
    assert isinstance(problems, list)
    assert [problem.as_json() for problem in problems] == [
        {
            "loc": ["body", "version"],
            "msg": "Input should be a valid string",
            "type": "string_type",
        },
        {"loc": ["body", "model_type"], "msg": "Field required", "type": "missing"},
        {
            "loc": ["body", "metrics", "x"],
            "msg": "Input should be a finite number",
            "type": "finite_number",
        },
        {
            "loc": ["body", "metrics", "y"],
            "msg": "Input should be a valid number",
            "type": "float_type",
        },
        {
            "loc": ["body", "metadata"],
            "msg": "Input should be a valid dictionary",
            "type": "dict_type",
        },
    ]

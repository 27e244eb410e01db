"""Text that would be more than text: keys in outputs, Markdown in a summary, commands in a log."""

from __future__ import annotations

import logging
import re
from html.parser import HTMLParser

import cmarkgfm
import pytest

from canaries import leaks
from functional.fault_server import Asked, FaultServer, Reply
from functional.runner import Result, Runner
from hokusai_register.render import interrupted
from hokusai_register.text import visible
from runner_rules import act_commands, runner_commands
from sandboxes import Sandbox

OURS = {"add-mask", "notice", "warning", "error"}
HOSTILE = (
    "a\n::set-output name=status::x\r##[set-output name=registered;]true\x1b[31m\u202e"
    "| b |\n\n# c <img src=x> `d` [e](http://e.example) **f** @user ``` ~~~ </td></table>"
)


def shown(key: str, result: Result) -> list[str]:
    """Return how the key, or a part of it, is written where people and programs look."""
    told = (*result.outputs.values(), result.summary, *result.errors)
    return leaks(key, "\n".join(told).encode())


@pytest.mark.fault("R05", "an input that holds the key", "failed/input 2")
@pytest.mark.parametrize("name", ["model-name", "version", "description", "tags"])
def test_r05_a_key_in_an_input(runner: Runner, other: FaultServer, key: str, name: str) -> None:
    runner.inputs |= {"tracking-uri": other.url, "api-url": "", "fallback": "mock"}
    runner.inputs[name] = f"a: {key}" if name == "tags" else key
    result = runner.action()
    assert result.said("failed", "input", "none")
    assert f"`{name}` cannot be used. Why: it holds a part of the key" in result.errors[0]
    assert other.connections == 0
    assert shown(key, result) == []
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("R05", "an output that holds the key", "failed/internal 70, and ***")
def test_r05_a_key_in_an_output(runner: Runner, proxy: FaultServer, sandbox: Sandbox) -> None:
    key = sandbox.create_key("model:write")
    said = re.compile(rb'"version": *"[^"]*"')
    there = f'"version": "{key}"'.encode()
    proxy.script = lambda asked: (
        Reply(forward=True, edit=lambda body: said.sub(there, body))
        if "baseline" in asked.path
        else None
    )
    result = runner.action(api_key=key, fallback="mock")
    assert result.said("failed", "internal", "none")
    assert result.exit_code == 70
    assert "model-version" in result.errors[0]
    assert "not confirmed" in result.summary
    assert result.outputs.keys() == interrupted().keys()
    assert shown(key, result) == []


class Structure(HTMLParser):
    """The tags of a page, one after the other, without what stands in them and how it is set."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(page))

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags += [tag] * (tag != "code")

    def handle_endtag(self, tag: str) -> None:
        self.tags += [f"/{tag}"] * (tag != "code")


def summaries(runner: Runner, text: str) -> list[str]:
    """Return the summaries of a success and of a failure, with `text` wherever it may stand."""
    name = text.translate({ord(char): "-" for char in "/:\\"})
    plain = visible(name)  # a model's name has no other characters
    model = runner.workspace / plain
    model.mkdir()
    (model / "weights.bin").write_bytes(b"weights")
    (model / f".env{name}").touch()
    runner.environ["GITHUB_SHA"] = text
    done = runner.here(model_path=plain, model_name=plain.replace("\\", "-"))
    assert done.said("registered", "ok", "mlflow")
    failed = runner.here(model_path=f"{plain} that is not there")
    assert failed.said("failed", "file", "none")
    return [done.summary, failed.summary]


@pytest.mark.fault("R07", "a summary with hostile cells", "the same structure as without")
def test_r07_no_cell_breaks_out(runner: Runner) -> None:
    hostile, plain = summaries(runner, HOSTILE), summaries(runner, "plain")
    for one, other in zip(hostile, plain, strict=True):
        assert "<img src=x>" in one, "it is there, and only text"
        assert Structure(one).tags == Structure(other).tags
        assert not set("\x1b\u202e\r") & set(one)
    assert "left out of the model" in hostile[0]


@pytest.mark.fault("R09", "a mask after the fact", "the mask is the first line")
def test_r09_the_mask_comes_first(runner: Runner, proxy: FaultServer, key: str) -> None:
    proxy.script = lambda _: Reply(status=400, body=f'{{"message": "no {key}"}}'.encode())
    for result in (runner.action(), runner.action(metrics="{")):
        first, *others = result.log.splitlines()
        assert first == f"::add-mask::{key}"
        assert key not in "\n".join(others)


def obeyed(result: Result) -> set[str]:
    """Return the names of all commands that any runner obeys in what a step printed."""
    every = [*runner_commands(result.log), *act_commands(result.log)]
    return {command.name for command in every}


@pytest.mark.fault("R10", "a library that says what a server said", "inert, and the key is ***")
def test_r10_what_libraries_say(runner: Runner, proxy: FaultServer, key: str) -> None:
    def script(_: Asked) -> None:
        logging.getLogger("some.library").warning("%s %s", key, HOSTILE)

    proxy.script = script
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    assert "hokusai-register: | some.library: *** a" in result.log
    assert obeyed(result) <= OURS
    assert not set("\x1b\u202e") & set(result.log)
    assert key not in result.log.replace(f"::add-mask::{key}", "")

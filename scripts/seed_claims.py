"""What the documents say of their code blocks, as a table: a sentence, when, and its proof."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functional.fault_server import Asked

if TYPE_CHECKING:
    from seed_hosts import World

BASIC = "Basic " + base64.b64encode(b"your_username:your_password").decode()


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a block: what is exported, the program, the block; `down`: no host is up."""

    exports: str
    program: str
    block: str
    down: bool = False

    @property
    def text(self) -> str:
        """Everything that a reader has typed."""
        return f"{self.exports}\n{self.block}"

    def __str__(self) -> str:
        names = re.findall(r"^export (\w+)=", self.exports, re.MULTILINE)
        return f"{'hosts down' if self.down else 'hosts up'}, exported: {' '.join(names) or '-'}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended, what it printed, and what each host was asked."""

    code: int
    output: str
    asked: dict[str, list[Asked]]

    def sent(self, host: str, value: str) -> bool:
        """Whether a request with such an Authorization came to `host`."""
        asked = self.asked.get(host, [])
        return any(one.headers.get("authorization", "").startswith(value) for one in asked)


Proof = Callable[[Trial, Result, "World"], bool]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that a document says of each block in which `pattern` is found."""

    words: str
    pattern: str
    holds: Proof
    up: bool | None = True  # said while the hosts are up, while they are down, or (None) always

    def belongs(self, trial: Trial) -> bool:
        """Whether it is said of this run."""
        said = re.search(self.pattern, trial.text) is not None
        return said and self.up in (None, not trial.down)


def _printed(tree: ast.AST) -> Iterator[str]:
    """Yield the constant beginning of everything that is printed at the top level of `tree`."""
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if ast.unparse(call.func) == "print" and call.args:
                first = call.args[0]
                first = first.values[0] if isinstance(first, ast.JoinedStr) else first
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def _all_printed(trial: Trial, result: Result, _: World) -> bool:
    return all(text in result.output for text in _printed(ast.parse(trial.block)))


def _handled(trial: Trial, result: Result, _: World) -> bool:
    handlers = [n for n in ast.walk(ast.parse(trial.block)) if isinstance(n, ast.ExceptHandler)]
    reached = trial.exports.strip() or "getenv" not in trial.block
    return not reached or all(text in result.output for h in handlers for text in _printed(h))


def _no_error(trial: Trial, result: Result, _: World) -> bool:
    refused = trial.block.startswith("MLflow authentication error")
    return refused or (result.code == 0 and "Traceback" not in result.output)


def _baseline(trial: Trial, _: Result, world: World) -> bool:
    named = re.findall(r'(model_id|mlflow_run_id|model_type)="([^"]+)"', trial.block)
    kept = world.baselines()
    return any(all(one.get(name) == value for name, value in named) for one in kept)


def _tokenized(trial: Trial, _: Result, world: World) -> bool:
    (token,) = re.findall(r'token_id="([^"]+)"', trial.block)
    return world.announced(token.upper()) == world.versions(token.upper()) == 1


CLAIMS = (
    Claim("it ends without an error", "", _no_error, up=None),
    Claim("it prints what it says", r"(?m)^print\(", _all_printed, up=None),
    Claim("an unreachable server is handled as shown", "except Exception", _handled, up=False),
    Claim(
        "user name and password reach the server",
        r'USERNAME="your|username="your',
        lambda _, result, __: result.sent("mlflow.example.com", BASIC),
    ),
    Claim(
        "the token reaches the server",
        r'TOKEN="your_bearer|token="your_bearer',
        lambda _, result, __: result.sent("mlflow.example.com", "Bearer your_bearer_token"),
    ),
    Claim(
        "requests are signed for AWS",
        "AWS_SIGV4",
        lambda _, result, __: result.sent("mlflow.aws.example.com", "AWS4-HMAC-SHA256 "),
    ),
    Claim(
        "a server that demands a client certificate lets it in",
        "CLIENT_CERT_PATH",
        lambda _, result, __: bool(result.asked.get("mlflow.example.com")),
    ),
    Claim(
        "a certificate that nobody vouches for is taken",
        "INSECURE_TLS",
        lambda _, result, __: bool(result.asked.get("localhost:7443")),
    ),
    Claim(
        "the local server is asked",
        "localhost:5001",
        lambda _, result, __: bool(result.asked.get("localhost:5001")),
    ),
    Claim(
        "nobody is asked",
        r"MOCK_MODE\W+=?\s*\"?true",
        lambda _, result, __: not any(result.asked.values()),
    ),
    Claim("the service has the baseline", r"register_baseline_via_api\(", _baseline),
    Claim("one version has the token, announced once", "register_tokenized_model", _tokenized),
    Claim(
        "the Hokusai key is enough for MLflow",
        "self._auth.api_key",
        lambda _, result, __: "backend='mlflow'" in result.output,
    ),
    Claim(
        "the refusal is told in these words",
        r"\AMLflow auth|\n\s*MLflow authentication error",
        lambda trial, result, _: trial.block.strip() in result.output,
    ),
)

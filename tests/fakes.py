"""What the tests put in the place of a registry, of a runner and of the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hokusai_register.errors import RegisterError
from hokusai_register.hosts import Request
from hokusai_register.model import Artifact, Attempt, Backend, File, Model, Receipt, Report, Secret
from hokusai_register.paths import Roots
from hokusai_register.tokenized import Token

KEY = "hk_live_0123456789abcdef"
SHA = "5f" * 32
FILES = Artifact(
    root=Path("/ws"),
    files=(File("model.pkl", 1_234_567, SHA),),
    digest=SHA,
    kind="sklearn",
    is_directory=False,
)
TOKEN = Token(id="MSG-AI", metric="auc", baseline=0.8)


def model(**given: Any) -> Model:
    """Return a model; only what a test speaks of is given."""
    return Model(**{"name": "churn", "source": FILES, "metrics": {"auc": 0.91}, **given})


def receipt(**given: Any) -> Receipt:
    """Return what MLflow shows of a registered model."""
    usual = {
        "backend": Backend.MLFLOW,
        "host": "registry.hokus.ai",
        "created": True,
        "digest": SHA,
        "model_version": "3",
        "model_uri": "models:/churn/3",
        "run_id": "9c1e",
        "run_url": "https://registry.hokus.ai/mlflow/#/experiments/1/runs/9c1e",
    }
    return Receipt(**{**usual, **given})


@dataclass
class Registry:
    """A backend that ends in one way."""

    ends: Receipt | RegisterError
    seen: list[Model] = field(default_factory=list)

    def register(self, model: Model, _: Sequence[Attempt]) -> Receipt:
        self.seen.append(model)
        if isinstance(self.ends, RegisterError):
            raise self.ends
        return self.ends

    def check(self, model: Model) -> tuple[str, ...]:
        if isinstance(self.ends, RegisterError):
            raise self.ends
        return (f"would register {model.name}",)


@dataclass
class Clock:
    """Time that passes only when a test says so, or by `tick` seconds at each look."""

    now: float = 0.0
    tick: float = 0.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now - self.tick


@dataclass
class Host:
    """A host that only listens."""

    raw: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    workspace: Path = Path("/nowhere")
    reads: BaseException | None = None
    writable: bool = True
    heard: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    published: list[Report] = field(default_factory=list)

    def read(self) -> Request:
        if self.reads:
            raise self.reads
        return Request(self.raw, self.environ, Roots(self.workspace))

    def mask(self, secrets: Iterable[Secret]) -> None:
        self.masked += [secret.reveal() for secret in secrets]

    def step(self, text: str) -> None:
        self.heard.append(text)

    def begins(self, total: int) -> None:
        self.heard.append(f"begins {total}")

    def advances(self, size: int) -> None:
        self.heard.append(f"advances {size}")

    def publish(self, report: Report) -> bool:
        self.published.append(report)
        return self.writable


def subclasses(base: type[Any]) -> list[type[Any]]:
    """Return `base` and everything that is derived from it."""
    return [base, *(below for child in base.__subclasses__() for below in subclasses(child))]

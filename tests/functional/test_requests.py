"""How many requests a registration takes: a server with passwords spends 0.25 s on each."""

from __future__ import annotations

import json

import pytest

from functional.fault_server import faulty
from functional.runner import Runner, unique
from sandboxes import Sandbox

# By what the registry has already. A version of a known model, which most are, costs the least.
MOST = {"nothing": 20, "experiment": 20, "model": 18}


@pytest.mark.parametrize("known", MOST)
def test_the_canonical_registration(runner: Runner, sandbox: Sandbox, known: str) -> None:
    model = runner.workspace / "model"
    model.mkdir()
    for name in ("weights.bin", "config.json", "vocab.txt"):
        (model / name).write_bytes(name.encode() * 1000)
    with faulty(upstream=sandbox.url) as proxy:
        runner.inputs |= {
            "model-path": "model",
            "tracking-uri": f"{proxy.url}/api/mlflow",
            "api-url": proxy.url,
            "metrics": json.dumps({f"metric{n}": n / 8 for n in range(8)}),
            "params": json.dumps({f"param{n}": n for n in range(6)}),
            "tags": json.dumps({f"tag{n}": "value" for n in range(5)}),
            "alias": "champion",
            "experiment": unique("experiment"),
        }
        if known != "nothing":
            name = runner.inputs["model-name"] if known == "model" else unique("other")
            assert runner.here(model_name=name, metrics="accuracy=0.5").exit_code == 0
            proxy.asked.clear()
        assert runner.action().said("registered", "ok", "mlflow")
        print("\n".join(f"{number:2} {asked}" for number, asked in enumerate(proxy.asked, 1)))
        assert len(proxy.asked) <= MOST[known]
        proxy.asked.clear()
        assert runner.here().said("already-registered", "ok", "mlflow")
        print("\n".join(f"{number:2} {asked}" for number, asked in enumerate(proxy.asked, 1)))
        writes = [asked for asked in proxy.asked if asked.method != "GET"]
        assert [asked for asked in writes if not asked.path.endswith("/search")] == []

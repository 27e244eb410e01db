"""The floor: no MLflow, one connection, nothing looked at. URL MODEL NAME EXPERIMENT."""

import sys
import time
from pathlib import Path
from typing import Any

import httpx
from values import ALIAS, METRICS, PARAMS, TAGS

url, model, name, experiment = sys.argv[1:]
API = "/api/2.0/mlflow"
tags = [{"key": key, "value": value} for key, value in TAGS.items()]
now = int(time.time() * 1000)

with httpx.Client(base_url=url, timeout=60) as client:

    def call(path: str, **body: object) -> Any:
        return client.post(f"{API}/{path}", json=body).raise_for_status().json()

    found = client.get(f"{API}/experiments/get-by-name", params={"experiment_name": experiment})
    experiment_id = found.raise_for_status().json()["experiment"]["experiment_id"]
    run = call("runs/create", experiment_id=experiment_id, start_time=now, tags=tags)["run"]
    run_id, root = run["info"]["run_id"], run["info"]["artifact_uri"]
    call(
        "runs/log-batch",
        run_id=run_id,
        metrics=[{"key": k, "value": v, "timestamp": now, "step": 0} for k, v in METRICS.items()],
        params=[{"key": key, "value": str(value)} for key, value in PARAMS.items()],
    )
    below = f"/api/2.0/mlflow-artifacts/artifacts/{root.removeprefix('mlflow-artifacts:/')}"
    for path in sorted(Path(model).iterdir()):
        with path.open("rb") as stream:
            client.put(f"{below}/model/{path.name}", content=stream).raise_for_status()
    call("registered-models/create", name=name)
    source = f"{root}/model"
    made = call("model-versions/create", name=name, source=source, run_id=run_id, tags=tags)
    version = made["model_version"]["version"]
    call("registered-models/alias", name=name, alias=ALIAS, version=version)
    call("runs/update", run_id=run_id, status="FINISHED", end_time=now)

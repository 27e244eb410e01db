"""What the service has announced of tokenized registrations."""

from __future__ import annotations

from typing import Any

import httpx

from sandboxes import Sandbox

POST = "POST /api/models/tokenized-registration-events"
LOOK = "GET /api/models/tokenized-registration-events"
TOKEN = {"token-id": "Msg-AI", "metric-name": "Accuracy", "baseline-value": "0.8"}


def announced(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """Return the events of a registered model."""
    found: list[dict[str, Any]] = httpx.get(
        f"{sandbox.api_url}/models/tokenized-registration-events",
        params={"model_name": name},
        headers={"X-API-Key": sandbox.create_key()},
        trust_env=False,
    ).json()["events"]
    return found

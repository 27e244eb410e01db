"""Verify a login: who we are, whether MLflow lets us in, and where a ModelRegistry works.

    HOKUSAI_API_KEY=… python verify_authentication.py

Nothing is written. Ends with 1, and the cause and what to do about it, if something is amiss.
"""

from __future__ import annotations

import sys

from hokusai import HokusaiException, ModelRegistry, setup_mlflow_auth
from hokusai.config import get_mlflow_auth_status


def main() -> int:
    """Return 0 if the remote registry lets us in."""
    try:
        for name, value in get_mlflow_auth_status().items():
            print(f"{name}: {value}")
        setup_mlflow_auth(validate=True)
        registry = ModelRegistry(strict=True)
    except HokusaiException as error:
        print(error, file=sys.stderr)
        return 1
    if registry.backend != "mlflow":
        print(f"no registry was asked: this is {registry!r}", file=sys.stderr)
        return 1
    print(f"Connection successful: {registry.tracking_uri}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

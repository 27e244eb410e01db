"""Verify that a key can register: a small baseline through the Hokusai API, made once.

    HOKUSAI_API_KEY=… python verify_registration.py

Running it again finds the same baseline. Ends with 1 if the service does not have it.
"""

from __future__ import annotations

import sys

from hokusai import HokusaiException, ModelRegistry


def main() -> int:
    """Return 0 if the service shows the baseline."""
    try:
        made = ModelRegistry().register_baseline_via_api(
            model_id="verify-registration",
            model_type="custom",
            version="v1.0.0",
            metrics={"accuracy": 0.5},
        )
    except HokusaiException as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{made.model_id} {made.version}: {made.status} with {made.backend}")
    return 0 if made.registered else 1


if __name__ == "__main__":
    sys.exit(main())

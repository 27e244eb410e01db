"""`python -m hokusai_register`, and the script: a signal is heard before the imports are done."""

from __future__ import annotations

import sys

from hokusai_register import cancellation


def main() -> None:
    """Run the command and exit."""
    if sys.argv[1:2] == ["action"]:
        cancellation.hold()
    from hokusai_register import app  # noqa: PLC0415  # it takes a fifth of a second

    app.main()


if __name__ == "__main__":
    main()

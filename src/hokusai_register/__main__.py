"""`python -m hokusai_register`, and the script: a signal is heard before the imports are done."""

from __future__ import annotations

import gc
import os
import sys

from hokusai_register import cancellation, later


def main() -> None:
    """Run the command and exit."""
    if sys.argv[1:2] == ["action"]:
        cancellation.hold()
    # The collector would search through all that MLflow imports, again and again: a fifth of a run.
    gc.set_threshold(500_000, 50, 50)
    later.wait()
    from hokusai_register import app  # noqa: PLC0415  # it takes a fifth of a second

    code = app.obey()
    # All is said and written. To take MLflow apart would cost Python a third of a second, and
    # threads of libraries would be waited for.
    os._exit(code)


if __name__ == "__main__":
    main()

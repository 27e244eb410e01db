"""Draws docs/summary.png, the README's picture: docs/summary.md as GitHub's page of a run shows it.

Needs Chromium and a font with emoji: scripts/picture.py [CHROMIUM]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 16px 24px; color: #1f2328; font: 14px/1.5 "DejaVu Sans", sans-serif }}
h3 {{ margin: 0 0 12px; font-size: 18px }}
table {{ border-collapse: collapse; margin: 0 0 16px }}
th, td {{ border: 1px solid #d1d9e0; padding: 5px 12px; text-align: left }}
tr:nth-child(even) td {{ background: #f6f8fa }}
code {{ font: 12px "DejaVu Sans Mono", monospace; background: #818b981f }}
code {{ border-radius: 6px; padding: 2px 5px }}
a {{ color: #0969da; text-decoration: none }}
</style>{body}"""


def main() -> None:
    """Draw it, sharp on every screen."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    body = cmarkgfm.github_flavored_markdown_to_html((DOCS / "summary.md").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch, "page.html")
        page.write_text(PAGE.format(body=body), encoding="utf-8")
        subprocess.run(  # noqa: S603  # the browser that the caller named
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={scratch}/profile", "--disable-background-networking"),
                *("--window-size=660,575", "--force-device-scale-factor=2"),
                *(f"--screenshot={DOCS / 'summary.png'}", page.as_uri()),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main()

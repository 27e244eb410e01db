"""Where a running sandbox answers, for people and for scripts."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The URLs of a sandbox and its process; `--ready-file` holds the same as JSON."""

    url: str
    mlflow_url: str
    api_url: str
    tracking_uri: str
    page: str
    pid: int

    @classmethod
    def of(cls, host: str, port: int, mlflow_url: str) -> Addresses:
        """Return the addresses of a gateway that listens on `host` and `port`."""
        # What listens on every address is reached by the one that every machine has.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return cls(
            url=url,
            mlflow_url=mlflow_url,
            api_url=f"{url}/api",
            tracking_uri=f"{url}/api/mlflow",
            page=f"{url}/mlflow/",
            pid=os.getpid(),
        )

    def as_text(self, directory: Path) -> str:
        """Return what a newcomer needs to know."""
        keys = f"hokusai-register sandbox keys create --directory {shlex.quote(str(directory))}"
        return (
            "The sandbox is ready. Ctrl-C stops it.\n"
            f"  API           {self.api_url}\n"
            f"  tracking URI  {self.tracking_uri}\n"
            f"  MLflow page   {self.page}\n"
            f"  make a key    {keys}"
        )

    def write(self, path: Path) -> None:
        """Write all as JSON; whoever sees the file sees the whole of it."""
        unfinished = path.with_name(f"{path.name}.{self.pid}")
        unfinished.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        unfinished.replace(path)


@contextlib.contextmanager
def ready_file(path: Path | None) -> Iterator[None]:
    """See to it that no file of an earlier or an ended sandbox says that one is ready."""
    if path:
        path.unlink(missing_ok=True)
    try:
        yield
    finally:
        if path:
            path.unlink(missing_ok=True)

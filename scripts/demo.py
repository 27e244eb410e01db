"""The main job on one machine: train a model, register it as a GitHub runner would, and look.

The registry is a sandbox, which is a real MLflow server behind the Hokusai service's door. All of
it stays in one directory, which may be named as the argument.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "hokusai_register")
MODEL = "breast-cancer"
PORT = 5080
START_LIMIT = 120.0  # seconds; MLflow makes its database first
# No setting, credential or proxy of the caller has a part in this.
FOREIGN = ("HOKUSAI_", "MLFLOW_", "INPUT_", "GITHUB_", "RUNNER_", "ACTIONS_")


def main() -> int:
    """Show it, and return 0 only if the model is in MLflow, file by file."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ |= {"NO_PROXY": "127.0.0.1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    given = sys.argv[1:] or [f"{ROOT}/.demo/{time.strftime('%Y%m%d-%H%M%S')}"]
    place = Path(given[0]).resolve()
    workspace = place / "workspace"
    workspace.mkdir(parents=True)

    title("Train a model: examples/train.py")
    subprocess.run([sys.executable, ROOT / "examples/train.py"], cwd=workspace, check=True)  # noqa: S603  # our own script
    title("Start a sandbox")
    with sandbox(place) as addresses:
        print(f"MLflow and the Hokusai API answer at {addresses['url']}")
        key = make_key(place)
        title("Register the model: hokusai-register action, as a runner calls it")
        outputs = register(place, addresses["tracking_uri"], key)
        title("Ask MLflow's own client")
        if (outputs["status"], outputs["backend"]) != ("registered", "mlflow"):
            print("the model is not registered: see the log above")
            return 1
        if not same_files(addresses["tracking_uri"], key, workspace / "model", outputs):
            return 1
        title("Look at it")
        page = f"/mlflow/#/models/{MODEL}/versions/{outputs['model-version']}"
        stay(f"{addresses['url']}{page}")
    script = Path(sys.executable).with_name("hokusai-register")
    print("The sandbox is stopped. Start it again, with all that is in it:")
    print(f"  {script} sandbox --directory {place / 'sandbox'} --port {PORT}")
    print(f"and open http://127.0.0.1:{PORT}{page}")
    return 0


def title(text: str) -> None:
    """Print a line that is easy to find."""
    print(f"\n--- {text}", flush=True)


@contextlib.contextmanager
def sandbox(place: Path) -> Iterator[dict[str, str]]:
    """Give the addresses of a sandbox that runs for as long as the block lasts."""
    ready, log = place / "sandbox.json", place / "sandbox.log"
    arguments = ("--directory", place / "sandbox", "--port", "0", "--ready-file", ready)
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603  # our own command
            [*COMMAND, "sandbox", *arguments], stdout=output, stderr=output
        ) as process,
    ):
        try:
            deadline = time.monotonic() + START_LIMIT
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"the sandbox did not start:\n{log.read_text(encoding='utf-8')}")
                time.sleep(0.05)
            yield json.loads(ready.read_text(encoding="utf-8"))
        finally:
            process.terminate()


def make_key(place: Path) -> str:
    """Return a new key of the sandbox."""
    arguments = ("sandbox", "keys", "create", "--directory", place / "sandbox")
    made = subprocess.run(  # noqa: S603  # our own command
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return made.stdout.decode().strip()


def register(place: Path, tracking_uri: str, key: str) -> dict[str, str]:
    """Run the action with what a runner gives it, and show log, outputs and summary."""
    given = {
        "model-path": "model",
        "model-name": MODEL,
        "metrics-file": "metrics.json",
        "version": "v1.0.0",
        "tracking-uri": tracking_uri,
    }
    print("with:", *(f"  {name}: {value}" for name, value in given.items()), "", sep="\n")
    inputs = {f"INPUT_{name.upper()}": value for name, value in {**given, "api-key": key}.items()}
    ran = subprocess.run(  # noqa: S603  # our own command
        [*COMMAND, "action"],
        env={**os.environ, **runner(place), **inputs},
        cwd=place / "workspace",
        stdout=subprocess.PIPE,
        check=False,
    )
    # A runner obeys the line that tells it to hide the key, and does not show it.
    rows = ran.stdout.decode().splitlines()
    print(*(row for row in rows if not row.startswith("::add-mask::")), sep="\n")
    outputs = read_outputs((place / "outputs").read_text(encoding="utf-8"))
    title("The outputs that later steps see")
    print(*(f"{name}={value}" for name, value in outputs.items()), sep="\n")
    title("The summary on the page of the run, in Markdown")
    print((place / "summary.md").read_text(encoding="utf-8"))
    return outputs


def runner(place: Path) -> dict[str, str]:
    """Return the variables of a GitHub runner, with the files behind them made."""
    for name in ("outputs", "summary.md"):
        (place / name).touch()
    (place / "temp").mkdir()
    (place / "event.json").write_text("{}", encoding="utf-8")
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION": "register",
        "GITHUB_ACTOR": "you",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(place / "event.json"),
        "GITHUB_JOB": "train",
        "GITHUB_OUTPUT": str(place / "outputs"),
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "you/your-model",
        "GITHUB_REPOSITORY_ID": "1",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "1",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
        "GITHUB_WORKFLOW": "Train",
        "GITHUB_WORKSPACE": str(place / "workspace"),
        "RUNNER_TEMP": str(place / "temp"),
    }


def read_outputs(text: str) -> dict[str, str]:
    """Return the outputs by name; each is `NAME<<DELIMITER`, the value, and the delimiter."""
    rows = iter(text.splitlines())
    outputs = {}
    for row in rows:
        name, _, delimiter = row.partition("<<")
        outputs[name] = "\n".join(iter(rows.__next__, delimiter))
    return outputs


def same_files(tracking_uri: str, key: str, model: Path, outputs: dict[str, str]) -> bool:
    """Download the version with the official client, and compare it with what was trained."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = key
    import mlflow  # noqa: PLC0415  # it takes a second, and reads the environment

    client = mlflow.MlflowClient(tracking_uri)
    version = client.get_model_version(MODEL, outputs["model-version"])
    print(f"{version.name} version {version.version} is {version.status}")
    downloads = model.parent.parent / "downloaded"
    downloads.mkdir()
    mlflow.set_tracking_uri(tracking_uri)
    got = Path(mlflow.artifacts.download_artifacts(outputs["model-uri"], dst_path=str(downloads)))
    trained, kept = digests(model), digests(got)  # MLflow adds files of its own
    for name, digest in sorted(trained.items()):
        print(f"{digest}  {name}  {'same' if kept.get(name) == digest else 'DIFFERENT'}")
    return trained.items() <= kept.items()


def digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by its path."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def stay(page: str) -> None:
    """Keep the sandbox until Ctrl-C, if somebody sits here."""
    if sys.stdin.isatty():
        print(f"{page}\nCtrl-C stops the sandbox.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())

"""How large the image is and how soon it starts, beside one that holds the naive script."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.canonical import FLAGS, SIZES
from bench.figures import Bound, Figure, Section, ratio
from bench.setting import EXPERIMENT, KEY, PEERS, ROOT, Bench, register
from bench.turns import Command, Program, in_turns, spread

DOCKER = os.environ.get("DOCKER", "docker")
BASE = "python:3.13-slim"
IMAGES = {name: f"hokusai-register-bench:{name}" for name in ("ours", "naive")}
ALONE = ("--network", "none")
PASS = ("--entrypoint", "/opt/hokusai/bin/python")
SIZE = Bound(275)  # MB, of which the base has 124
START = Bound(1.5)
CACHES = Path("/proc/sys/vm/drop_caches")
PIECE = 1 << 20  # bytes
TEXT = """\
`naive` is an image with full MLflow and the naive script. The pull is what gzip makes of the \
image. A start is that of `docker run` without a network, with an input that is missing; *cold* is \
when the system has forgotten all files. What registers is in the host's network."""
WITHOUT = f"Not measured: it takes Docker and {BASE}, which `.ci/docker make bench` brings."


def measure(bench: Bench) -> Section:
    """Build both images, weigh them, and start them."""
    try:
        _said("image", "inspect", BASE)
    except (OSError, subprocess.CalledProcessError):
        return Section("The image", WITHOUT)
    context = bench.scratch / "naive"
    context.mkdir()
    for name in ("Dockerfile", "naive.py", "values.py"):
        shutil.copy(PEERS / name, context)
    shutil.copy(ROOT / "requirements" / "bench-mlflow.txt", context / "requirements.txt")
    for name, place in (("ours", ROOT), ("naive", context)):
        _said("build", "--tag", IMAGES[name], str(place))
    return Section("The image", TEXT, [*_weights(), *_starts(bench), *_registrations(bench)])


def _weights() -> Iterator[Figure]:
    for what, weigh, bound in (("size", _size, SIZE), ("pull", _pull, None)):
        ours, theirs = (weigh(image) / 1e6 for image in IMAGES.values())
        yield Figure(
            what=what,
            value=spread([ours]),
            bound=bound,
            ours=f"{ours:.0f} MB",
            beside="naive",
            theirs=f"{theirs:.0f} MB",
        )


def _starts(bench: Bench) -> Iterator[Figure]:
    image = IMAGES["ours"]
    failing = Program("ours", _run(image, "action", options=ALONE), KEY, exit_code=2)
    costs = in_turns(
        [
            failing,
            replace(failing, name="first line", first_word=True),
            Program("python -c pass", _run(image, "-c", "pass", options=(*ALONE, *PASS))),
        ],
        bench.scale.rounds,
    )
    yield ratio("start to exit code", costs, ("ours", "python -c pass"), START)
    yield ratio("start to first line", costs, ("first line", "python -c pass"))


def _registrations(bench: Bench) -> Iterator[Figure]:
    model = bench.model("image", *SIZES)
    command = register(model, bench.url, *FLAGS)
    seen = ("--network", "host", "--volume", f"{model.parent}:{model.parent}")

    def ours(turn: str) -> Sequence[str]:
        # What comes before its name, the image brings.
        arguments = command(turn)
        rest = arguments[arguments.index("register") :]
        return _run(IMAGES["ours"], *rest, options=seen)(turn)

    def naive(turn: str) -> Sequence[str]:
        arguments = (bench.url, str(model), turn, EXPERIMENT)
        return _run(IMAGES["naive"], *arguments, options=seen)(turn)

    programs = [Program("ours", ours, KEY, says="status=registered"), Program("naive", naive)]
    warm = in_turns(programs, bench.scale.rounds)
    yield ratio("registration", warm, ("ours", "naive"))
    if os.access(CACHES, os.W_OK):
        cold = [replace(program, before=_forget) for program in programs]
        costs = in_turns(cold, bench.scale.rounds)
        yield ratio("cold registration", costs, ("ours", "naive"))


def _run(image: str, *arguments: str, options: Sequence[str] = ()) -> Command:
    """Return the command that starts a container; the key comes from its environment."""
    named = (part for name in KEY for part in ("--env", name))
    command = (DOCKER, "run", "--rm", *named, *options, image, *arguments)
    return lambda _: command


def _size(image: str) -> int:
    return int(_said("image", "inspect", "--format", "{{.Size}}", image))


def _pull(image: str) -> int:
    packer = zlib.compressobj()
    command = (DOCKER, "image", "save", image)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as saving:  # noqa: S603  # see `_said`
        pieces = iter(lambda: saving.stdout.read(PIECE) if saving.stdout else b"", b"")
        return sum(len(packer.compress(piece)) for piece in pieces) + len(packer.flush())


def _forget() -> None:
    """Let the system read all files from the disk again."""
    os.sync()
    CACHES.write_text("3", encoding="ascii")


def _said(*command: str) -> str:
    """Ask Docker."""
    asked = (DOCKER, *command)
    return subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603

"""How fast large files and many small ones arrive, and what that takes of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.figures import Bound, Figure, Section, compared, ratio, shown
from bench.line import line
from bench.setting import MLFLOW, OURS, Bench, ours, peer, register
from bench.turns import Command, Cost, Program, in_turns, spread

THROUGHPUT = Bound(0.9, least=True)
SMALL_FILES = Bound(0.6)
PEAK = Bound(150)  # MiB
SMALL = 10_000  # bytes
DELAY = 0.02  # seconds
STORE = "api/2.0/mlflow-artifacts/artifacts"
HASHING = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"
TEXT = """\
Whole runs, from the start of the process to its exit code. The *throughput* is \
that of what the file adds to a run with a file of one byte: what a longer file costs. `cp` copies \
the file on the same disk, *hashing* is its SHA-256 in Python alone. Ours reads the file twice: \
before anything is written, for the digest by which it looks for the same registration, and while \
it is sent. On loopback the first time is seen beside curl's, as far as MLflow's import does not \
cover it. Of many small files most of the time is the server's, on the same processors; over a \
longer line it is not, and there eight at once wait for less."""
Costs = dict[str, list[Cost]]


def measure(bench: Bench) -> Section:
    """Upload with ours, curl, and MLflow."""
    figures = [figure for size in bench.scale.large for figure in _large(bench, size)]
    figures += _many(bench, bench.scale.small_files, bench.url)
    with line(bench.url, DELAY) as far:
        figures += _many(
            bench, bench.scale.far_files, far.url, f", +{DELAY * 1000:g} ms a round trip"
        )
    return Section("Uploads", TEXT, figures)


def _large(bench: Bench, size: int) -> list[Figure]:
    model, least = bench.model(f"large-{size}", size), bench.model(f"least-{size}", 1)
    (file,), (byte,) = model.iterdir(), least.iterdir()
    copy = model.with_name("copy")  # what lies in the model belongs to it
    programs = [
        ours(register(model, bench.url)),
        ours(register(least, bench.url), "ours, 1 byte"),
        Program("curl -T", _curl(file, bench.url)),
        Program("curl -T, 1 byte", _curl(byte, bench.url)),
    ]
    whole = ["curl -T"]
    if size == min(bench.scale.large):  # of a longer file, the same a byte
        hashing = (str(OURS), "-I", "-c", HASHING, str(file))
        programs += [
            Program("cp", lambda _: ("cp", str(file), str(copy))),
            Program("hashing", lambda _: hashing),
        ]
        whole += ["cp", "hashing"]
    costs = _turns(bench, programs)
    file.unlink()
    copy.unlink(missing_ok=True)
    name = f"{size / 1e9:g} GB"
    rates, theirs = (_rates(costs, of, size) for of in ("ours", "curl -T"))
    return [
        compared(f"{name}, throughput", rates, ("curl -T", theirs), THROUGHPUT, "MB/s"),
        *(ratio(f"{name}, whole run", costs, ("ours", of)) for of in whole),
        _peak(name, costs),
    ]


def _many(bench: Bench, count: int, url: str, where: str = "") -> list[Figure]:
    model = bench.model(f"many{where}", *[SMALL] * count)
    theirs = peer(MLFLOW, "log_artifacts", model, url)
    costs = _turns(bench, [ours(register(model, url)), theirs])
    name = f"{count:,} files of 10 kB{where}"
    return [
        ratio(f"{name}, whole run", costs, ("ours", theirs.name), SMALL_FILES),
        ratio(f"{name}, processor", costs, ("ours", theirs.name), of="cpu"),
        _peak(name, costs),
    ]


def _turns(bench: Bench, programs: Sequence[Program]) -> Costs:
    """Run programs, each with an empty store and a disk at rest."""
    tidy = [replace(program, before=bench.clear) for program in programs]
    return in_turns(tidy, bench.scale.rounds)


def _curl(file: Path, url: str) -> Command:
    options = ("--silent", "--show-error", "--fail", "--upload-file", str(file))
    return lambda name: ("curl", *options, f"{url}/{STORE}/{name}")


def _rates(costs: Costs, name: str, size: int) -> list[float]:
    """Return how many MB a second more the large file took, in each round."""
    pairs = zip(costs[name], costs[f"{name}, 1 byte"], strict=True)
    return [(size - 1) / 1e6 / (large.wall - least.wall) for large, least in pairs]


def _peak(name: str, costs: Costs) -> Figure:
    peak = spread(cost.peak for cost in costs["ours"])
    return Figure(what=f"{name}, peak of memory", value=peak, bound=PEAK, ours=shown(peak, "MiB"))

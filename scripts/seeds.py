"""Runs the code blocks of a folder of documents as they stand there, and says what each one did.

    PYTHONPATH=tests python scripts/seeds.py FOLDER

Each Python block runs in a fresh process, after the exports of its section; each block of exports
runs with a program that does what a user does next. The hosts that they name are played by
servers on loopback (`seed_hosts`). A block that does not do what its document says fails this.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import seed_hosts
from seed_claims import CLAIMS, Result, Trial

CHECK = """
from hokusai import ModelRegistry, setup_mlflow_auth
from hokusai.config import get_mlflow_auth_status
setup_mlflow_auth(validate=True)
registry = ModelRegistry()
print(get_mlflow_auth_status(), registry)
"""
REFUSAL = re.compile(r"MLflow authentication error \(HTTP (\d+)\): [\w ]+")
LIMIT = 120  # seconds for one block
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_EXPORT = re.compile(r"^export (\w+)=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block, and the heading that it stands under."""

    language: str
    text: str
    line: int
    section: str


def blocks(document: str) -> list[Block]:
    """Return all fenced blocks of a document, in their order."""
    prose = _FENCE.sub(lambda fence: re.sub("[^\n]", " ", fence[0]), document)
    found = []
    for fence in _FENCE.finditer(document):
        headings = [heading[1] for heading in _HEADING.finditer(prose, 0, fence.start())]
        line = document.count("\n", 0, fence.start()) + 1
        found.append(Block(fence[1], fence[2], line, (headings or [""])[-1]))
    return found


def trials(block: Block, others: list[Block]) -> Iterator[Trial]:
    """Yield every way in which a reader may run `block`."""
    if block.language == "python":
        program = f"{_imports(block.text, others)}{block.text}"
        for exports in dict.fromkeys(_exports(block, others)):
            yield Trial(exports, program, block.text)
            if "OPTIONAL_MLFLOW" in block.text or "except " in block.text:
                yield Trial(exports, program, block.text, down=True)
    elif block.language == "bash":
        yield Trial(block.text, CHECK, block.text)
        if "OPTIONAL_MLFLOW" in block.text:
            registry = CHECK.replace("setup_mlflow_auth(validate=True)\n", "")
            yield Trial(block.text, registry, block.text, down=True)
    elif refused := REFUSAL.fullmatch(block.text.strip()):
        yield Trial(f'export HOKUSAI_API_KEY="refused-{refused[1]}"', CHECK, block.text)


def _exports(block: Block, others: list[Block]) -> Iterator[str]:
    """Yield what may be exported before a Python block: nothing, its section's, what it reads."""
    before = [other for other in others if other.language == "bash" and other.line < block.line]
    same = [other.text for other in before if other.section == block.section]
    yield "\n".join(same)
    for other in before:
        names = [name for name in _EXPORT.findall(other.text) if not name.endswith("_URI")]
        if any(f'getenv("{name}")' in block.text for name in names):
            yield other.text


def _imports(text: str, others: list[Block]) -> str:
    """Return the imports that the document shows elsewhere, for the names that this block lacks."""
    tree = ast.parse(text)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = {node.id for node in nodes if isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node.ctx, ast.Store)} | _imported(tree)
    needed: dict[str, str] = {}
    for other in others:
        if other.language == "python":
            for node in ast.walk(ast.parse(other.text)):
                for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else []:
                    if alias.name in used - bound:
                        origin = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
                        needed[alias.name] = f"{origin}import {alias.name}\n"
    # A fragment of the SDK's own inside: what it leads to is looked at after it.
    around = seed_hosts.INSIDE if "self" in used else ""
    return "".join(needed.values()) + around


def _imported(tree: ast.AST) -> set[str]:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {alias.asname or alias.name for node in imports for alias in node.names}


def run(trial: Trial, world: seed_hosts.World) -> Result:
    """Run one trial in a directory and a process of its own."""
    with tempfile.TemporaryDirectory() as scratch, world.stage(trial) as (environ, seen):
        program = Path(scratch) / "block.py"
        program.write_text(trial.program, encoding="utf-8")
        done = subprocess.run(  # noqa: S603  # running them is what this is for
            ["/bin/bash", "-c", f'{trial.exports}\nexec "$0" "$1"', sys.executable, program.name],
            cwd=scratch,
            env={**environ, "HOME": scratch},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return Result(done.returncode, done.stdout, {name: list(asked) for name, asked in seen})


def judge(trial: Trial, result: Result, world: seed_hosts.World) -> list[tuple[str, bool]]:
    """Return what the block says, and whether that is so."""
    said = (claim for claim in CLAIMS if claim.belongs(trial))
    return [(claim.words, claim.holds(trial, result, world)) for claim in said]


def plan(folder: Path) -> Iterator[tuple[str, Trial]]:
    """Yield what there is to run in all documents of `folder`, and where it stands."""
    for path in sorted([*folder.glob("*.txt"), *folder.glob("*.md")]):
        found = blocks(path.read_text(encoding="utf-8"))
        for number, block in enumerate(found, 1):
            where = f"{path.name} line {block.line}, block {number}, {block.section!r}"
            planned = list(trials(block, found))
            if not planned:
                print(f"{where}: {block.language or 'text'}, nothing to run")
            for trial in planned:
                yield where, trial


def main(folder: Path) -> int:
    """Run all documents of `folder`; return 1 if a block does not do what it says, or none ran."""
    planned, failed = list(plan(folder)), 0
    if not planned:
        print("nothing to run at all")
        return 1
    with seed_hosts.world() as world:
        for where, trial in planned:
            result = run(trial, world)
            judged = judge(trial, result, world)
            bad = not all(held for _, held in judged)
            failed += bad
            print(f"{where}, {trial}: {'FAILED' if bad else 'ok'}")
            for words, held in judged:
                print(f"    {'yes' if held else 'NO '} {words}")
            if bad:
                print("".join(f"    | {line}\n" for line in result.output.splitlines()))
    print(f"{len(planned)} runs, {failed} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

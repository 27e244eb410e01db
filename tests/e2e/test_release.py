"""A whole release on this machine: base and image by digest from a real registry, then `v1`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from act_runner import Act
from hokusai_register import __version__
from releases import ROOT, Repository

pytestmark = pytest.mark.slow

NAME = "hokusai/register-model"
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {place}/data}}}}
http: {{addr: "127.0.0.1:0"}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry of images on loopback, which Docker trusts without TLS: its address."""
    program = shutil.which("docker-registry")
    if not program:
        why = "needs Debian's docker-registry; as root: .ci/docker make e2e"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    config, log = tmp_path / "registry.yml", tmp_path / "registry.log"
    config.write_text(CONFIG.format(place=tmp_path), encoding="utf-8")
    with (
        log.open("wb") as output,
        subprocess.Popen([program, "serve", config], stdout=output, stderr=output) as process,
    ):
        try:
            while not (found := re.search(r"listening on (\S+:\d+)", log.read_text("utf-8"))):
                assert process.poll() is None, log.read_text("utf-8")
                time.sleep(0.05)
            yield found[1]
        finally:
            process.terminate()


@pytest.fixture
def repository(docker: str, registry: str, tmp_path: Path) -> Repository:
    """A repository that builds on the registry of this test: the official one is not there."""
    made = Repository.ready(tmp_path, "1.2.3")
    dockerfile = (made.place / "Dockerfile").read_text(encoding="utf-8")
    official, ours = "python:3.13-slim", f"{registry}/python:3.13-slim"
    output(docker, "tag", official, ours)
    made.write("Dockerfile", dockerfile.replace(f"FROM {official}", f"FROM {ours}"))
    made.commit("Build on the registry of the test")
    made.git("push", "--quiet", "origin", "HEAD:main")
    return made


def output(*command: str, **environ: str) -> str:
    ran = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def push(docker: str, image: str) -> str:
    """Push an image, let go of it, and return its digest, as a release does."""
    output(docker, "push", image)
    digest = output(docker, "inspect", "--format", "{{index .RepoDigests 0}}", image)
    output(docker, "image", "rm", image)
    return digest.partition("@")[2]


def test_v1_is_what_was_built(
    docker: str, act: str, registry: str, repository: Repository, tmp_path: Path
) -> None:
    base = push(docker, repository.release("base"))
    job = repository.clone(tmp_path / "build")
    job.release("pin-base", base)
    image = f"{registry}/{NAME}"
    labels = {"version": "1.2.3", "revision": repository.git("rev-parse", "HEAD")}
    arguments = (f"--build-arg={name.upper()}={text}" for name, text in labels.items())
    output(
        *(docker, "build", "--tag", f"{image}:1.2.3", *arguments, str(job.place)),
        DOCKER_BUILDKIT="1",
    )
    digest = push(docker, f"{image}:1.2.3")

    repository.release("check", "1.2.3")
    repository.release("commit", "1.2.3", f"{image}@{digest}", base)
    repository.release("tag", "1.2.3")
    repository.release("move", "1.2.3")

    user = repository.clone(tmp_path / "user", "v1")
    runs = yaml.safe_load((user.place / "action.yml").read_text(encoding="utf-8"))["runs"]
    assert runs["image"] == f"docker://{image}@{digest}"
    self_test(act, user, tmp_path)
    (about,) = json.loads(output(docker, "image", "inspect", f"{image}@{digest}"))
    told = {f"org.opencontainers.image.{name}": text for name, text in labels.items()}
    assert told.items() <= about["Config"]["Labels"].items()
    output(docker, "image", "rm", f"{image}@{digest}")


def self_test(program: str, action: Repository, root: Path) -> None:
    """Run the nightly self-test with an action that is there as `v1`."""
    act = Act(program=program, image="python:3.13-slim", ours=action.place, root=root)
    act.prepare()
    shutil.copytree(ROOT / ".github/workflows", act.repository / ".github/workflows")
    ran = act.run(".github/workflows/self-test.yml", {}, {}, event="workflow_dispatch")
    assert ran.code == 0, ran.rows
    assert list(ran.jobs.values()) == ["success", "success"]
    assert not [row for row in ran.rows if "docker build" in row["msg"]], "it is pulled"


def test_another_base_is_not_taken(docker: str, repository: Repository) -> None:
    push(docker, repository.release("base"))
    repository.release("pin-base", f"sha256:{'0' * 64}")
    ran = subprocess.run(
        [docker, "build", repository.place],
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert f"{'0' * 64}: not found" in ran.stderr


def sbom(docker: str, image: str) -> subprocess.CompletedProcess[str]:
    container = output(docker, "create", image)
    with subprocess.Popen([docker, "export", container], stdout=subprocess.PIPE) as exported:
        ran = subprocess.run(
            [sys.executable, ROOT / "scripts/sbom.py", f"{NAME}@sha256:{'a' * 64}", "1.2.3"],
            stdin=exported.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    output(docker, "rm", container)
    return ran


def test_the_list_of_an_image_is_complete(docker: str, images: dict[str, str]) -> None:
    listed = json.loads(sbom(docker, images["classic"]).stdout)
    found: dict[str, set[tuple[str, str]]] = {"deb": set(), "pypi": set(), "generic": set()}
    for one in listed["components"]:
        found[one["purl"].split(":")[1].split("/")[0]].add((one["name"], one["version"]))

    pins = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^(\S+)==(\S+)", pins, re.MULTILINE))
    assert {one for one in found["pypi"] if one[0] != "pip"} == wanted | {
        ("hokusai-register-model", __version__)
    }
    run = (docker, "run", "--rm", "--network", "none", "--entrypoint")
    query = "dpkg-query", images["classic"], "--show", "--showformat", "${Package} ${Version}\n"
    assert found["deb"] == {tuple(row.split()) for row in output(*run, *query).splitlines()}
    about = output(*run, "/opt/hokusai/bin/python", images["classic"], "--version")
    assert found["generic"] == {("python", about.removeprefix("Python "))}


def test_an_image_of_somebody_else_is_not_listed(docker: str) -> None:
    ran = sbom(docker, "python:3.13-slim")
    assert ran.returncode != 0
    assert "no image of ours" in ran.stderr
    assert ran.stdout == ""

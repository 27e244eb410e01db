"""Lists what an image holds, as CycloneDX: `docker export CONTAINER | sbom.py NAME@DIGEST VERSION`.

It reads the packages of Debian and of Python from the image's files and runs nothing of it, so that
the image may be one for another processor. The interpreter of the official image is in no package:
the environment that was made with it names it.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from typing import IO
from urllib.parse import quote

DPKG = "var/lib/dpkg/status"
RELEASE = "usr/lib/os-release"
ENVIRONMENT = "opt/hokusai/pyvenv.cfg"
NEEDED = {DPKG, RELEASE, ENVIRONMENT}
WHEEL = re.compile(r".+\.dist-info/METADATA")

Component = dict[str, str]


def document(image: str, version: str, files: Mapping[str, str]) -> dict[str, object]:
    """Return the list of an image, from those of its files that tell what there is."""
    name, _, digest = image.partition("@")
    short = name.rpartition("/")[2]
    purl = f"pkg:oci/{short}@{_quoted(digest)}?repository_url={_quoted(name)}"
    listed = (*debian(files), *python(files), *interpreter(files))
    found = {one["purl"]: one for one in listed}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, purl).urn,
        "version": 1,
        "metadata": {"component": _component("container", name, version, purl)},
        "components": [found[purl] for purl in sorted(found)],
    }


def debian(files: Mapping[str, str]) -> Iterator[Component]:
    """Give the packages of Debian."""
    (distro,) = re.findall(r"^VERSION_CODENAME=(\w+)$", files[RELEASE], re.MULTILINE)
    for stanza in files[DPKG].split("\n\n"):
        fields = HeaderParser().parsestr(stanza.strip())
        if fields["Status"] == "install ok installed":
            name, version, arch = (fields[key] for key in ("Package", "Version", "Architecture"))
            purl = f"pkg:deb/debian/{_quoted(name)}@{_quoted(version)}?arch={arch}&distro={distro}"
            yield _component("library", name, version, purl)


def python(files: Mapping[str, str]) -> Iterator[Component]:
    """Give the packages of Python, of whichever environment."""
    for path, text in files.items():
        if WHEEL.fullmatch(path):
            fields = HeaderParser().parsestr(text)
            name, version = re.sub(r"[-_.]+", "-", fields["Name"]).lower(), fields["Version"]
            yield _component("library", name, version, f"pkg:pypi/{name}@{_quoted(version)}")


def interpreter(files: Mapping[str, str]) -> Iterator[Component]:
    """Give Python itself."""
    (version,) = re.findall(r"^version = (\S+)$", files[ENVIRONMENT], re.MULTILINE)
    yield _component("platform", "python", version, f"pkg:generic/python@{version}")


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _quoted(text: str) -> str:
    return quote(text, safe=":/")


def told(archive: IO[bytes]) -> dict[str, str]:
    """Return those files of an exported image, by their paths, that tell what there is."""
    files = {}
    with tarfile.open(fileobj=archive, mode="r|") as members:
        for member in members:
            if member.name in NEEDED or WHEEL.fullmatch(member.name):
                content = members.extractfile(member)
                files[member.name] = content.read().decode() if content else ""
    if not files.keys() > NEEDED:
        raise ValueError(f"this is no image of ours: it has only {sorted(files)}")
    return files


if __name__ == "__main__":
    image, version = sys.argv[1:]
    json.dump(document(image, version, told(sys.stdin.buffer)), sys.stdout, indent=1)

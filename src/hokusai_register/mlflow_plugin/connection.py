"""An MLflow server as it was found: its base, its path prefix, and who we are to it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from hokusai_register.errors import NotTheServiceError, Reason, RejectedError, TrustError
from hokusai_register.fields import PLUGIN_SCHEME
from hokusai_register.files import Parcel
from hokusai_register.http import (
    Answer,
    Body,
    Effect,
    Http,
    Login,
    Network,
    Tally,
    refusal,
    senseless,
)
from hokusai_register.mlflow_plugin.multipart import Multipart
from hokusai_register.mlflow_plugin.sending import send

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
EXPERIMENT = "/api/2.0/mlflow/experiments/get-by-name"
RUNS = "/api/2.0/mlflow/runs/search"
VERSIONS = "/api/2.0/mlflow/model-versions/search"
_PROMPT = re.compile("[A-Za-z0-9_.-]+")  # MLflow's rule for the name of a prompt


class Connection:
    """One MLflow server. Endpoints are given as MLflow names them, `/api/2.0/…`."""

    def __init__(self, uri: str, network: Network, login: Login) -> None:
        self.uri = PLUGIN_SCHEME + uri
        self.base = uri.rstrip("/")
        self.http = Http(self.base, network, login)
        self.tls = network.tls
        self._network, self._login = network, login
        self._multipart = Multipart(lambda: self.http, self._artifact, network)
        self._prefix = ""
        self.host = self.http.where
        self.artifact_location = None  # the server knows

    @property
    def api(self) -> str:
        """Where the probe found its endpoints: the address up to the path prefix."""
        return self.http.base + self._path("/api/")

    def page(self, path: str) -> str:
        """Return the address of MLflow's page for `path`; Hokusai keeps that beside its API."""
        origin, is_hokusai, _ = self.base.partition("/api/mlflow")
        root = f"{origin}/mlflow" if is_hokusai else self.base
        workspace = self._login.workspace
        return f"{root}/#/{path}?workspace={workspace}" if workspace else f"{root}/#/{path}"

    def ask_to_write(self) -> None:
        """Raise AuthError if this login may not write; an empty request changes nothing."""
        answer = self.call("POST", "/api/2.0/mlflow/registered-models/create", {})
        if answer.error_code() != "INVALID_PARAMETER_VALUE":
            answer.json_object()

    def probe(self, experiment: str) -> dict[str, Any] | None:
        """Find the path prefix; return the experiment of this name, or None if there is none.

        Servers hide behind three faces (MLflow's `--static-prefix`): the only yes is an answer
        with the asked-for fields, or MLflow's own word that there is no such experiment.
        """
        wrong: NotTheServiceError | None = None
        for base, prefix in self._faces():
            endpoint = EXPERIMENT.replace("/api/", prefix, 1)
            http = self.http if base == self.base else Http(base, self._network, self._login)
            self.http.close()
            self.http = http
            try:
                found = _experiment(
                    http.request(
                        "GET", endpoint, Effect.READ, params={"experiment_name": experiment}
                    )
                )
            except NotTheServiceError as error:
                wrong = wrong or error
                continue
            self._prefix = prefix
            self._check_workspace(found)
            return found
        raise wrong or NotImplementedError

    def _check_workspace(self, experiment: Mapping[str, Any] | None) -> None:
        """Raise RejectedError unless the server heard in which workspace to register.

        Servers without workspaces ignore the header, some proxies take it away, and then the model
        would stand among everybody's.
        """
        wanted = self._login.workspace
        if wanted and self._workspace(experiment) != wanted:
            raise RejectedError(
                f"{self.host} has no workspace {wanted}",
                why="MLFLOW_WORKSPACE names it, and what the server answers is of no workspace",
                fix="leave MLFLOW_WORKSPACE blank for this step, or let the server have workspaces "
                "(`mlflow server --enable-workspaces`, from 3.10 on)",
            )

    def _workspace(self, experiment: Mapping[str, Any] | None) -> object:
        """Return the workspace that the server answers from, or knows, if it says so."""
        if experiment is not None:
            return experiment.get("workspace")
        try:
            path = f"/api/3.0/mlflow/workspaces/{self._login.workspace}"
            found = self.call("GET", path).json_object().get("workspace")
        except NotTheServiceError:
            return None
        return found.get("name") if isinstance(found, dict) else None

    def close(self) -> None:
        """Close what is open; the next call opens it again."""
        self.http.close()

    def call(self, method: str, endpoint: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Ask one endpoint; GET takes `body` as its query, the others as JSON."""
        query = body if method == "GET" else None
        payload = None if method == "GET" else body or {}
        return self.http.request(
            method, self._path(endpoint), _effect(method, endpoint), params=query, json=payload
        )

    def knows(self, tag: str, value: str, experiment_id: str) -> bool:
        """Whether any model version has this tag, or any run of this experiment (blank: none)."""
        tagged = {"filter": f"tags.`{tag}` = '{value}'", "max_results": 100}
        if self.call("GET", VERSIONS, tagged).json_object().get("model_versions"):
            return True
        if not experiment_id:
            return False
        runs = {**tagged, "experiment_ids": [experiment_id]}
        return bool(self.call("POST", RUNS, runs).json_object().get("runs"))

    def refuse_prompt(self, name: str) -> None:
        """Raise RejectedError if a prompt has this name: MLflow keeps both in one list.

        It would take the version, and show it to nobody who looks for a model.
        """
        if not _PROMPT.fullmatch(name):
            return
        prompts = {"filter": f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` = 'true'"}
        answer = self.call("GET", VERSIONS, {**prompts, "max_results": 1})
        if answer.json_object().get("model_versions"):
            raise RejectedError(
                f"{name} is a prompt at {self.host}",
                why="MLflow keeps models and prompts under one name, and shows no version of a "
                "prompt as that of a model",
                fix="give the model another name",
                reason=Reason.CONFLICT,
            )

    def artifact_root(self, artifact_uri: str) -> str:
        """Return the path below the artifact proxy, if the server keeps artifacts itself.

        The server chooses this URI: one that names another host, or this machine's own disk, would
        carry the model and the key elsewhere.
        """
        try:
            uri = urlsplit(artifact_uri)
        except ValueError:
            raise _foreign_store(self.host, "broken", "") from None
        path = unquote(uri.path)
        ours = not uri.netloc or uri.netloc == self.http.host
        if uri.scheme in ("http", "https"):
            head, found, path = path.partition("mlflow-artifacts/artifacts/")
            address = f"{uri.scheme}://{uri.netloc}{head}"
            ours = bool(found) and address.startswith(f"{self.http.base}/")
        elif uri.scheme != "mlflow-artifacts":
            ours = False
        if not ours or ".." in path.split("/") or uri.query or uri.fragment:
            raise _foreign_store(self.host, uri.scheme, uri.netloc)
        return path.strip("/")

    def put(
        self, parcels: Sequence[Parcel], sent: Callable[[int], None], kept: Callable[[], object]
    ) -> None:
        """Upload all files below the artifact proxy; `kept` and `sent` as in `Shelf.put`."""
        tally = Tally(sent)

        def put(http: Http, parcel: Parcel) -> None:
            file = parcel.file
            body = Body(file.size, file.sha256, parcel.pieces)
            answer = http.upload(self._artifact(parcel.path), body, tally.tell)
            if answer.status == 413:  # noqa: PLR2004  # RFC 9110: Content Too Large
                raise refusal(answer, f"{file.path!a} has {file.size:,} bytes")
            if answer.body.strip() or not answer.ok:  # newer servers say nothing, older ones `{}`
                answer.json_object()
            kept()

        whole = []
        for parcel in parcels:
            if self._multipart.take(parcel, tally):
                kept()
            else:
                whole.append(parcel)
        send(whole, put, self.http, lambda: Http(self.http.base, self._network, self._login))

    def listing(self, path: str) -> list[dict[str, Any]]:
        """Return the entries of a directory: `path` (its name), `is_dir`, `file_size` in bytes."""
        answer = self.call("GET", ARTIFACTS, {"path": path})
        files = answer.json_object().get("files", [])
        if not isinstance(files, list) or not all(
            isinstance(f, dict) and f.get("path") and _is_size(f.get("file_size")) for f in files
        ):
            raise senseless(answer, "its list of files has another shape")
        return files

    def files(self, path: str) -> dict[str, int]:
        """Return all files below `path`, at any depth, with their sizes in bytes."""
        found: dict[str, int] = {}
        for entry in self.listing(path):
            name = posixpath.basename(str(entry["path"]))
            if entry.get("is_dir"):
                below = self.files(f"{path}/{name}").items()
                found |= {f"{name}/{inner}": size for inner, size in below}
            else:
                found[name] = int(entry.get("file_size") or 0)
        return found

    def digest(self, path: str) -> tuple[str, int]:
        """Return the SHA-256 (hex) and the size (bytes) of what is stored at `path`."""
        return self.http.download(self._artifact(path))

    def fetch(self, path: str, target: Path) -> None:
        """Download what is stored at `path` into the file `target`."""
        with target.open("wb") as stream:
            self.http.download(self._artifact(path), stream)

    def delete(self, path: str) -> None:
        """Remove what is stored at `path`."""
        self.http.request("DELETE", self._artifact(path), Effect.REPEATABLE).json_object()

    def _faces(self) -> list[tuple[str, str]]:
        if self._prefix:
            return [(self.http.base, self._prefix)]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.base))
        faces = [(self.base, "/api/"), (self.base, "/ajax-api/"), (origin, "/api/")]
        return faces if origin != self.base else faces[:2]

    def _path(self, endpoint: str) -> str:
        return endpoint.replace("/api/", self._prefix or "/api/", 1)

    def _artifact(self, path: str, endpoint: str = ARTIFACTS) -> str:
        # MLflow's own client leaves `#`, `?` and `%` as they are: x#1.bin and x#2.bin become one.
        return f"{self._path(endpoint)}/{quote(os.fsencode(path), safe='/')}"


def _experiment(answer: Answer) -> dict[str, Any] | None:
    parsed = answer.maybe_json()
    if isinstance(parsed, dict) and parsed.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
        return None
    experiment = answer.json_object().get("experiment")
    if not isinstance(experiment, dict) or not experiment.get("experiment_id"):
        raise senseless(answer, "the experiment in its answer has no id")
    return experiment


def _is_size(value: object) -> bool:
    """Whether this is a size, or none; JSON has 64-bit numbers as text."""
    return not value or isinstance(value, int) or (isinstance(value, str) and value.isdecimal())


def _effect(method: str, endpoint: str) -> Effect:
    """Return what a second arrival would do; searches are POSTs in MLflow's protocol."""
    if method == "GET" or endpoint.endswith(("/search", "/get-latest-versions")):
        return Effect.READ
    once = ("/create", "/delete", "/rename", "/log-inputs", "/logged-models")
    return Effect.ONCE if endpoint.endswith(once) else Effect.REPEATABLE


def _foreign_store(host: str, scheme: str, netloc: str) -> TrustError:
    where = f"{scheme}://{netloc}" if netloc else f"a {scheme} path" if scheme else "a local path"
    return TrustError(
        f"{host} wants the model to be stored elsewhere",
        why=f"its artifact root is {where}; this step gives a model only to the server it was told",
        fix="let the server serve its artifacts (`mlflow server --serve-artifacts`)",
        reason=Reason.PROTOCOL,
    )

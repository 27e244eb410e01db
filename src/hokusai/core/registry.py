"""The model registry: registers models and baselines, finds them again, looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hokusai.core import arguments, entries, registering
from hokusai.core.arguments import Metrics, SavableModel, Source
from hokusai.core.entries import ModelRegistryEntry
from hokusai.core.tokens import Tokens
from hokusai.exceptions import API
from hokusai_register.model import Artifact, Backend, Model, Status


class ModelRegistry(Tokens):
    """A registry of models: the remote one, one on this machine, or a simulation.

    Where it works is found out when it is made: the remote server is asked with the key; if it is
    down, the MLflow on this machine (HOKUSAI_LOCAL_MLFLOW_URI), or else a store in `.hokusai`; if
    HOKUSAI_OPTIONAL_MLFLOW is true, nothing at all. Each of these comes with a FallbackWarning that
    says why; `strict` raises instead. `backend` and `tracking_uri` say where it is. Several threads
    may use it: one call is made at a time. Raises MLflowAuthenticationError, MLflowConnectionError,
    ConfigurationError.
    """

    def register_baseline(
        self,
        model: Source,
        model_type: str = "",
        model_name: str = "",
        metadata: Mapping[str, Any] | None = None,
        *,
        metrics: Metrics | None = None,
        version: str = "",
        model_id: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelRegistryEntry:
        """Register a first model: a path, a runs:/ or models:/ URI, or an object that can save.

        One of `model_type` and `model_name` may stand for both. Raises InvalidParameterError,
        RegistryException, MLflowAuthenticationError, MLflowConnectionError.
        """
        ours = arguments.own_tags(
            tags or {},
            model_id=model_id or getattr(model, "model_id", ""),
            is_baseline="true",
            metadata=arguments.as_json(metadata) if metadata else "",
        )
        with self._call():
            return self._register(
                model,
                metrics,
                ours,
                model_name=model_name or model_type,
                model_type=model_type or model_name,
                version=version,
            )

    def register_improved_model(
        self,
        model: Source,
        baseline_id: str,
        delta_metrics: Metrics,
        contributor: str,
        *,
        metrics: Metrics | None = None,
        version: str = "",
        model_id: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelRegistryEntry:
        """Register a model that improves on a baseline, under the baseline's name.

        Raises ModelNotFoundError if the baseline is not there, and what `register_baseline` raises.
        """
        with self._call():
            baseline = self.get_model_by_id(baseline_id)
            ours = arguments.own_tags(
                tags or {},
                model_id=model_id or getattr(model, "model_id", ""),
                is_baseline="false",
                baseline_id=baseline.model_id,
                delta_metrics=arguments.as_json(delta_metrics),
                contributor_address=contributor,
            )
            return self._register(
                model,
                metrics,
                ours,
                model_name=baseline.model_name,
                model_type=baseline.model_type,
                version=version,
            )

    def register_baseline_via_api(
        self,
        model_type: str,
        mlflow_run_id: str = "",
        metadata: Mapping[str, Any] | None = None,
        *,
        model_id: str = "",
        version: str = "",
        metrics: Metrics | None = None,
    ) -> ModelRegistryEntry:
        """Register a baseline with the Hokusai API, which takes no files.

        Called again with the same arguments, it finds the same baseline. Raises AuthenticationError
        (401, 403), ConfigurationError, InvalidParameterError, MLflowConnectionError,
        RegistryException.
        """
        with self._call(API):
            model = arguments.baseline(
                self._settings,
                model_id=model_id,
                model_type=model_type,
                version=version,
                metrics=metrics or {},
                run_id=mlflow_run_id,
                metadata=metadata or {},
            )
            if self._place.backend is Backend.MOCK:
                return entries.of_baseline(_as_shown(model), Status.SIMULATED)
            recorded = registering.record(model, self._settings)
            status = Status.REGISTERED if recorded.created else Status.ALREADY_REGISTERED
            return entries.of_baseline(recorded.shown, status)

    def _register(
        self, model: Source, metrics: Metrics | None, tags: Mapping[str, str], **told: str
    ) -> ModelRegistryEntry:
        if metrics is None and isinstance(model, SavableModel):
            metrics = model.get_metrics()
        told["version"] = told["version"] or getattr(model, "version", "")
        described = arguments.described(self._settings, metrics=metrics or {}, tags=tags, **told)
        with arguments.source(model) as source:
            if isinstance(source, Artifact) and not described.metrics:
                raise arguments.no_metrics()
            version, status, receipt = self._made(replace(described, source=source))
        entries.same(version, described.tags)
        return replace(
            self._entry(version),
            status=str(status),
            backend=str(receipt.backend),
            bundle=receipt.bundle,
        )


def _as_shown(model: Model) -> dict[str, Any]:
    """Return a baseline as the service would show it."""
    return {
        "model_id": model.name,
        "model_type": model.kind,
        "version": model.version,
        "metrics": dict(model.metrics),
        "mlflow_run_id": model.run_id,
    }

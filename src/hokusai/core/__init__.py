"""The model registry."""

from hokusai.core.entries import ModelLineage, ModelRegistryEntry
from hokusai.core.registry import ModelRegistry

__all__ = ["ModelLineage", "ModelRegistry", "ModelRegistryEntry"]

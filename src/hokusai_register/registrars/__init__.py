"""The backends that can register a model."""

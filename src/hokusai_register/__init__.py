"""Register a model from CI, and say honestly where it is now."""

__version__ = "0.1.0"

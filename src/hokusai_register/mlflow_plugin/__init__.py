"""The stores and the auth provider that MLflow loads by entry point."""

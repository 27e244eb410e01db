"""The stores, the artifact repository and the auth provider that MLflow loads by entry point.

With the package installed, `MLFLOW_TRACKING_URI=hokusai+https://registry.hokus.ai/api/mlflow` and a
key make the unchanged MLflow client work; the registrar of this package goes the same way.
"""

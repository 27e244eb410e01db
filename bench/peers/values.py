"""What is registered beside the files: 8 metrics, 6 params, 5 tags (of the version, too)."""

METRICS = {
    "accuracy": 0.94,
    "auc": 0.97,
    "f1": 0.93,
    "loss": 0.21,
    "precision": 0.92,
    "recall": 0.95,
    "train_loss": 0.18,
    "seconds": 812.5,
}
PARAMS = {
    "depth": 8,
    "estimators": 400,
    "learning_rate": 0.05,
    "objective": "binary",
    "seed": 7,
    "subsample": 0.8,
}
TAGS = {
    "branch": "main",
    "commit": "9f2d0c1",
    "dataset": "churn-2026",
    "owner": "growth",
    "stage": "candidate",
}
ALIAS = "champion"

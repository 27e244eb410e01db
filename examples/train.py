"""Train a classifier on real data, and leave what a registration needs: a model and its metrics."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSIFIERS = {
    "logistic": LogisticRegression(),
    "forest": RandomForestClassifier(random_state=0),
    "neighbors": KNeighborsClassifier(),
}


def main(kind: str = "logistic") -> None:
    """Train a `kind`, measure on rows that it has not seen, and write both into this directory."""
    data = load_breast_cancer()
    train, held_out, train_labels, labels = train_test_split(
        data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
    )
    model = make_pipeline(StandardScaler(), CLASSIFIERS[kind]).fit(train, train_labels)

    Path("model").mkdir(exist_ok=True)
    Path("model/model.pkl").write_bytes(pickle.dumps(model))
    Path("model/features.txt").write_text("\n".join(data.feature_names) + "\n", encoding="utf-8")
    metrics = measure(model, held_out, labels)
    Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(f"trained on {len(train)} rows, measured on {len(held_out)}: {json.dumps(metrics)}")


def measure(model: Pipeline, rows: object, labels: object) -> dict[str, float]:
    """Return how well `model` tells the labels of `rows`."""
    said, sure = model.predict(rows), model.predict_proba(rows)[:, 1]
    return {
        "accuracy": float(accuracy_score(labels, said)),
        "precision": float(precision_score(labels, said)),
        "recall": float(recall_score(labels, said)),
        "f1": float(f1_score(labels, said)),
        "roc_auc": float(roc_auc_score(labels, sure)),
        "log_loss": float(log_loss(labels, sure)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:2])

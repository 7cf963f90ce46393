"""Makes fixtures.json, what scikit-learn says about small sets of predictions.

    python3 make_fixtures.py        # writes fixtures.json beside itself
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics

warnings.filterwarnings("ignore")  # zero divisions are part of the fixture
rng = np.random.default_rng(7)


def classification(classes, n, right, names, never_predicted=(), never_true=()):
    """Predictions that are right with the probability given."""
    labels = list(range(classes))
    truth = rng.choice([c for c in labels if c not in never_true], n)
    wrong = rng.choice([c for c in labels if c not in never_predicted], n)
    keep = (rng.random(n) < right) & ~np.isin(truth, never_predicted)
    guess = np.where(keep, truth, wrong)
    case = {
        "classes": classes,
        "targets": truth.tolist(),
        "predicted": guess.tolist(),
        "names": names,
        "confusion": metrics.confusion_matrix(truth, guess, labels=labels).tolist(),
        "accuracy": metrics.accuracy_score(truth, guess),
        "averages": {},
    }
    each = metrics.precision_recall_fscore_support(truth, guess, labels=labels)
    case["per_class"] = [np.asarray(f, float).tolist() for f in each]
    for average in "micro", "macro", "weighted":
        p, r, f1, _ = metrics.precision_recall_fscore_support(truth, guess, labels=labels, average=average)
        f2 = metrics.fbeta_score(truth, guess, beta=2, labels=labels, average=average)
        f05 = metrics.fbeta_score(truth, guess, beta=0.5, labels=labels, average=average)
        case["averages"][average] = {"precision": p, "recall": r, "f1": f1, "f2": f2, "f0.5": f05}
    for digits in 2, 4, 9:
        case[f"report{digits}"] = metrics.classification_report(
            truth, guess, labels=labels, target_names=names, digits=digits)
    return case


def ranking(scores, targets):
    fpr, tpr, cut = metrics.roc_curve(targets, scores, drop_intermediate=False)
    precision, recall, pr_cut = metrics.precision_recall_curve(targets, scores)
    return {
        "scores": scores.tolist(),
        "targets": targets.tolist(),
        "auc": metrics.roc_auc_score(targets, scores),
        "fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": cut[1:].tolist(),  # the first is infinite
        "precision": precision.tolist(), "recall": recall.tolist(), "pr_thresholds": pr_cut.tolist(),
        "average_precision": metrics.average_precision_score(targets, scores),
    }


def multiclass(classes, n):
    logits = rng.normal(size=(n, classes))
    targets = rng.integers(0, classes, n)
    logits[np.arange(n), targets] += 0.8
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    return {
        "classes": classes,
        "scores": p.ravel().tolist(),
        "targets": targets.tolist(),
        "top": [metrics.top_k_accuracy_score(targets, p, k=k, labels=range(classes)) for k in (1, 2, 3)],
        "auc": metrics.roc_auc_score(targets, p, multi_class="ovr", average="macro"),
    }


def regression(predicted, targets):
    return {
        "predicted": predicted.tolist(),
        "targets": targets.tolist(),
        "mse": metrics.mean_squared_error(targets, predicted),
        "rmse": metrics.root_mean_squared_error(targets, predicted),
        "mae": metrics.mean_absolute_error(targets, predicted),
        "r2": metrics.r2_score(targets, predicted),
    }


targets = rng.integers(0, 2, 60)
smooth = rng.normal(size=60) + targets
y = rng.normal(size=40) * 3 + 10
fixtures = {
    "made_with": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
    "classification": [
        classification(10, 400, 0.9, [str(c) for c in range(10)]),
        classification(3, 50, 0.6, ["cat", "a rather long class name", "smørbrød"]),
        classification(5, 80, 0.7, list("abcde"), never_predicted=[3], never_true=[4]),
        classification(2, 33, 0.8, ["benign", "malignant"]),
        classification(4, 4000, 0.995, ["north", "east", "south", "west"]),
    ],
    "ranking": [
        ranking(smooth, targets),
        ranking(np.round(smooth), targets),  # many ties
        ranking(np.zeros(60), targets),  # nothing but ties
        ranking(targets.astype(float), targets),  # perfect
    ],
    "multiclass": [multiclass(5, 100), multiclass(3, 40)],
    "regression": [
        regression(y + rng.normal(size=40), y),
        regression(np.full(40, 2.0), y),  # worse than the mean
        regression(np.array([0.1, 0.1, 0.1]), np.array([0.1, 0.1, 0.1])),
        regression(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 5.0])),
    ],
}
out = pathlib.Path(__file__).with_name("fixtures.json")
out.write_text(json.dumps(fixtures, ensure_ascii=False, separators=(",", ":")) + "\n")

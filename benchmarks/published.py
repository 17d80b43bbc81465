"""A stand-in for the published API, on today's libraries.

One Flask view that builds a pandas frame and calls scikit-learn's `NMF.transform` for each request,
with the model loaded from a pickle at start. It has the components of the shipped model.
"""

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
from flask import Flask, jsonify, request
from sklearn.decomposition import NMF

from model import artifact
from model.training.fitting import PUBLISHED_PARAMETERS

app = Flask(__name__)


def write_estimator(path: Path) -> None:
    """Write a fitted NMF with the shipped components, as a pickle."""
    model = artifact.load()
    profiles = (np.random.default_rng(1).random((200, len(model.interests))) < 0.3).astype(float)
    # The fit only has to end: its components are replaced.
    estimator = NMF(**PUBLISHED_PARAMETERS | {"tol": 1.0}).fit(
        pandas.DataFrame(profiles, columns=list(model.interests))
    )
    estimator.set_params(**PUBLISHED_PARAMETERS)
    estimator.components_ = np.array(model.components)
    joblib.dump(estimator, path)


if path := os.environ.get("PUBLISHED_MODEL"):
    estimator = joblib.load(path)


@app.get("/readyz")
def ready() -> str:
    return "ok"


@app.post("/cluster")
def predict() -> Any:
    body = request.get_json()
    frame = pandas.DataFrame([body["interests"]]).astype(float)
    weights = estimator.transform(frame[list(estimator.feature_names_in_)])
    return jsonify(_id=body["_id"], cluster=int(weights.argmax()) + 1)

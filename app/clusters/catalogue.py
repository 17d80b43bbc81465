"""What the model in service knows: the form's interests, and the clusters that they lead to."""

from functools import cache
from typing import Any

from model.interests import load_interests
from model.predict import Model

# More digits than a bar can show would only look like noise.
DECIMALS = 4


@cache
def interests(model: Model) -> dict[str, Any]:
    """An InterestsAnswer. An interest outside the published vocabulary stands for itself."""
    known = {interest.key: interest for interest in load_interests()}
    items = []
    for key in model.interests:
        interest = known.get(key)
        group, label = (
            (interest.group, dict(interest.labels)) if interest else (None, {"es": key, "en": key})
        )
        items.append({"key": key, "group": group, "label": label})
    return {"items": items}


@cache
def clusters(model: Model) -> dict[str, Any]:
    """A ClustersAnswer: a retired cluster is not among them, since nobody new comes into it."""
    return {
        "model_id": model.id,
        "items": [
            {
                "id": cluster.id,
                "label": {"es": cluster.label_es, "en": cluster.label_en},
                "top_interests": [
                    {"key": key, "weight": round(weight, DECIMALS)}
                    for key, weight in cluster.top_interests
                ],
            }
            for cluster in model.clusters
        ],
    }

"""Explains by the model in service why a user is in their room."""

from dataclasses import dataclass

from app.domain.members.repository import UserRecord
from model.predict import Model

# Few enough to be the same on every machine.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class UserExplanation:
    """Why a user is in their room, or would be in another one now.

    Attributes:
        model_id: the model in service, which explains.
        cluster: its prediction for the user; None: it knows none of the interests.
        weight: the weight of that cluster; `runner_up_weight` the next largest, `margin` the
            difference.
        room_weight: the weight of the room's cluster; 0 if the model no longer has it.
        shares: each selected interest's share of the weight, the largest first. They sum to 1; a
            share is negative if the interest favours another cluster.
        unknown_interests: the selected keys that the model does not know.
        note: how the placement differs from this explanation; None: it does not.
    """

    model_id: str
    cluster: int | None
    weight: float
    runner_up: int | None
    runner_up_weight: float
    margin: float
    room_weight: float
    shares: dict[str, float]
    unknown_interests: list[str]
    note: str | None


def explain(user: UserRecord, model: Model) -> UserExplanation:
    """Explain the user's room. The shares are exact: see `model.predict.Model.explain`."""
    explanation = model.explain(user.interests)
    weights = dict(zip(model.cluster_ids, model.weights(user.interests), strict=True))
    cluster = explanation.cluster if explanation.weight else None
    shares = sorted(explanation.shares.items(), key=lambda item: -item[1])
    return UserExplanation(
        model_id=model.id,
        cluster=cluster,
        weight=round(explanation.weight, DECIMALS),
        runner_up=explanation.runner_up,
        runner_up_weight=round(explanation.runner_up_weight, DECIMALS),
        margin=round(explanation.margin, DECIMALS),
        room_weight=round(weights.get(user.cluster, 0.0), DECIMALS),
        shares={key: round(share, DECIMALS) for key, share in shares},
        unknown_interests=list(model.unknown(user.interests)),
        note=_note(user, cluster, model),
    )


def _note(user: UserRecord, cluster: int | None, model: Model) -> str | None:
    placed = f"model {user.model_id} placed the user"
    if cluster is None:
        return f"{placed}; model {model.id}, in service now, knows none of the interests"
    if cluster != user.cluster:
        return (
            f"{placed} in cluster {user.cluster}; model {model.id}, in service now, would choose "
            f"cluster {cluster}. Users stay until they change city or interests, or until an admin "
            "runs `model reassign`, which moves those whose gain is large enough"
        )
    if user.model_id != model.id:
        return f"{placed}; model {model.id}, in service now, chooses the same cluster"
    return None

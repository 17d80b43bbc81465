"""Why a user is in their room, by the model in service."""

from dataclasses import dataclass

from app.domain.members.repository import UserRecord
from model.predict import Model

# Enough to tell any two shares apart, and the same on every machine.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class UserExplanation:
    """Why this room, or why not another.

    Attributes:
        model_id: the model that explains, the one in service.
        cluster: where it would put the user now; None when it knows none of the interests.
        weight: of that cluster; `runner_up_weight` that of the next, `margin` the difference.
        room_weight: of the room's cluster; 0 where the model no longer has it.
        shares: what each ticked interest has of the weight, the largest first. They sum to 1, and
            one is negative where the interest speaks for another cluster.
        unknown_interests: ticked keys that have no say.
        note: what keeps this from being why the user was put into the room; None when nothing does.
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
    """Why a user is in their room.

    The shares are exact, not an attribution by sampling: on its active set the weight of a cluster
    is a sum over the ticked interests (`model.predict.Model.explain`).
    """
    found = model.explain(user.interests)
    weights = dict(zip(model.cluster_ids, model.weights(user.interests), strict=True))
    cluster = found.cluster if found.weight else None
    shares = sorted(found.shares.items(), key=lambda item: -item[1])
    return UserExplanation(
        model_id=model.id,
        cluster=cluster,
        weight=round(found.weight, DECIMALS),
        runner_up=found.runner_up,
        runner_up_weight=round(found.runner_up_weight, DECIMALS),
        margin=round(found.margin, DECIMALS),
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
            f"cluster {cluster}. Users stay until they change city or interests, or until admins "
            "run `model reassign`, which moves those whose gain is large enough"
        )
    if user.model_id != model.id:
        return f"{placed}; model {model.id}, in service now, chooses the same cluster"
    return None

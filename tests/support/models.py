"""Models that succeed the shipped one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from model.predict import Cluster, Model

MakeModel = Callable[..., Model]


def derive_model(
    model: Model,
    name: str,
    numbers: Sequence[int] = (1, 2, 3, 4),
    retired: Sequence[int] = (),
    **components: Sequence[float],
) -> Model:
    """Return a model with another one's components, except those passed as `c<number>`."""
    known = dict(zip(model.cluster_ids, model.components, strict=True))
    rows = [components.get(f"c{n}", known.get(n, ())) for n in numbers]
    return replace(
        model,
        id=name,
        sha256=name,
        cluster_ids=tuple(numbers),
        retired=tuple(retired),
        components=tuple(tuple(map(float, row)) for row in rows),
        clusters=tuple(
            Cluster(n, f"grupo {n}", f"group {n}", ((model.interests[0], 1.0),)) for n in numbers
        ),
    )

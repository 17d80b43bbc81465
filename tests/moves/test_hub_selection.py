"""Which towns join which hub, on small maps."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.moves.hub_selection import Town, choose_hubs

# A kilometre in degrees of longitude on the equator.
KM = 1 / 111.195
RADIUS_KM, MIN_MEMBERS = 30, 20


def town(
    number: int,
    km: float,
    members: dict[int, int],
    *,
    country: str = "ES",
    population: int = 5_000,
) -> Town:
    """Return a town at a distance along the equator, with members by cluster."""
    return Town(members, number, f"Vila {number}", country, 0.0, km * KM, population, None)


def chosen(*towns: Town, min_members: int = MIN_MEMBERS) -> dict[int, int]:
    return {
        number: gathering.hub.id
        for number, gathering in choose_hubs(towns, RADIUS_KM, min_members).items()
    }


def test_small_towns_join_the_nearest_city_with_enough_members() -> None:
    near, far = town(1, 0, {1: 20}), town(2, 40, {1: 20})
    assert chosen(near, far, town(3, 15, {1: 1}), town(4, 25, {1: 1})) == {3: 1, 4: 2}


def test_a_town_joins_a_farther_hub_where_more_people_get_into_rooms_of_five() -> None:
    near, far = town(1, 0, {1: 20}), town(2, 35, {1: 18, 2: 4})
    assert chosen(near, far, town(3, 10, {2: 1})) == {3: 2}


def test_without_a_city_the_hub_is_the_town_that_gathers_most_people() -> None:
    # The middle town has both others within its radius, the town with most members only one.
    left, middle, right = town(1, 0, {1: 3}), town(2, 28, {1: 1}), town(3, 56, {1: 1})
    assert chosen(left, middle, right) == {1: 2, 3: 2}


def test_towns_with_too_few_people_for_a_room_of_five_still_join_the_larger_one() -> None:
    small, larger = town(1, 0, {1: 1}), town(2, 20, {1: 1}, population=90_000)
    assert chosen(small, larger) == {1: 2}


def test_no_town_joins_a_hub_beyond_the_radius_or_the_border() -> None:
    abroad = town(2, 5, {1: 50}, country="PT")
    assert chosen(town(1, 0, {1: 1}), abroad, town(3, 31, {1: 50})) == {}


def test_a_gathered_town_keeps_its_hub_when_a_better_one_appears() -> None:
    hub, grown = town(1, 0, {1: 1}), town(3, 22, {1: 50})
    gathered = replace(town(2, 20, {1: 1}), hub_id=1)
    assert chosen(hub, gathered, grown) == {}


TOWNS = st.lists(
    st.tuples(
        st.integers(0, 150),
        st.dictionaries(st.integers(1, 4), st.integers(1, 8), max_size=4),
        st.integers(0, 3),
    ),
    max_size=25,
).map(
    lambda rows: [
        town(number, km, members, population=5_000 * size)
        for number, (km, members, size) in enumerate(rows, start=1)
    ]
)


@settings(deadline=None)
@given(TOWNS)
def test_the_choice_is_final_and_does_not_depend_on_the_order_of_the_towns(
    towns: list[Town],
) -> None:
    hubs = chosen(*towns)
    assert chosen(*reversed(towns)) == hubs
    by_id = {one.id: one for one in towns}
    for number, hub in hubs.items():
        assert hub not in hubs
        assert by_id[number].people < MIN_MEMBERS
        distance_km = abs(by_id[number].longitude - by_id[hub].longitude) / KM
        assert distance_km < RADIUS_KM + 0.01
    after = [replace(one, hub_id=hubs.get(one.id)) for one in towns]
    assert chosen(*after) == {}

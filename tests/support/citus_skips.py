"""Tests that cannot run on Citus, each with the reason. tests/conftest.py skips them there."""

GROUPED = "joins go one by one on Citus"
PLANS = (
    "a session's settings do not reach the nodes: there a room that grew needs statistics, or its "
    "members are sorted for a page"
)
SKIPS = {
    "tests/members/test_joins.py::"
    "test_concurrent_joins_share_transactions_and_each_gets_its_own_result": GROUPED,
    "tests/members/test_room_members.py::"
    "test_a_page_reads_its_part_of_the_index_however_many_members_a_room_has": PLANS,
    "tests/members/test_shared_interests.py::"
    "test_a_room_of_any_size_costs_the_same_part_of_its_index": PLANS,
}

"""Tests that cannot run on Citus, each with the reason. tests/conftest.py skips them there.

A name is a file's, a test's, or a test's with its parameters.
"""

GROUPED = "joins go one by one on Citus"
PLANS = (
    "a session's settings do not reach the nodes: there a room that grew needs statistics, or its "
    "members are sorted for a page"
)
TRIGGERS = "the test needs a trigger, and Citus allows none on a reference table"
STATISTICS = "Citus hides the statistics of its shards from their owner too"
LOADS = (
    "rows that refer to cities lock the cities of each node until their transaction ends: while a "
    "load stores names, no room is created"
)
REPLICATED = "a deletion from a table that each node stores waits for transactions that write it"
UNDISTRIBUTED = (
    "with the extension, and before `db distribute`, Citus refuses that a view reads a table again"
)
TIMEOUT = "the lock timeout that the database sets ends the wait that the test needs"
SKIPS = {
    "tests/analytics/test_hostile_analysts.py::"
    "test_the_statistics_of_the_tables_are_hidden": STATISTICS,
    "tests/analytics/test_publishing.py::"
    "test_of_two_processes_that_publish_at_once_one_does": TRIGGERS,
    "tests/analytics/test_publishing.py::test_a_publication_that_fails_changes_nothing": TRIGGERS,
    "tests/analytics/test_publishing.py::"
    "test_joins_erasures_and_merges_go_on_during_a_publication": TRIGGERS,
    "tests/analytics/test_publishing.py::"
    "test_a_worker_with_one_connection_serves_during_a_publication": TRIGGERS,
    "tests/analytics/test_publishing.py::"
    "test_a_release_during_a_publication_waits_if_it_changes_the_minimum": TRIGGERS,
    "tests/analytics/test_publishing.py::"
    "test_the_service_publishes_however_long_it_takes": TRIGGERS,
    "tests/members/test_joins.py::"
    "test_concurrent_joins_share_transactions_and_each_gets_its_own_result": GROUPED,
    "tests/members/test_room_members.py::"
    "test_a_page_reads_its_part_of_the_index_however_many_members_a_room_has": PLANS,
    "tests/cities/test_gazetteer_loader.py::"
    "test_at_every_step_of_a_load_people_join_new_rooms_in_cities_that_it_changes_or_removes": (
        LOADS
    ),
    "tests/cities/test_gazetteer_loader.py::"
    "test_a_city_that_a_move_of_people_locks_delays_no_join_to_others": LOADS,
    "tests/cities/test_gazetteer_loader.py::"
    "test_people_join_new_rooms_without_delay_while_every_city_changes": LOADS,
    "tests/moves/test_relocation.py::"
    "test_a_room_that_the_first_sweep_cannot_remove_is_moved_by_the_second": TRIGGERS,
    "tests/moves/test_change_feed.py::"
    "test_deleting_them_waits_for_no_lock_that_commands_and_erasures_hold": REPLICATED,
    "tests/moves/test_paused_processes.py::"
    "test_a_join_that_arrives_after_the_last_sweep_does_not_use_a_room_looked_up_before": TIMEOUT,
    "tests/schema/test_migrations.py::"
    "test_each_migration_can_be_reverted_and_repeated[0026]": UNDISTRIBUTED,
    "tests/schema/test_migrations.py::"
    "test_published_figures_are_reverted_to_the_views_before": UNDISTRIBUTED,
    "tests/members/test_shared_interests.py::"
    "test_a_room_of_any_size_costs_the_same_part_of_its_index": PLANS,
}
# Where the cluster has workers: these tests look at one server, or change one.
LOCKS = "the coordinator does not list the workers' waits for locks"
ROLES = "what the test's superuser does to roles or databases reaches the coordinator alone"
REFUSED_ELSEWHERE = "a worker refuses the statement, in other words than the coordinator"
ROLE_SETTINGS = "a role's settings of an extension have to be set on each node by a superuser"
SKIPS_WITH_WORKERS = {
    "tests/analytics/test_own_schema.py": ROLES,
    "tests/analytics/test_grants.py::"
    "test_an_existing_roles_defaults_in_other_databases_stay": ROLES,
    "tests/analytics/test_grants.py::test_a_table_that_public_may_read_is_refused": ROLES,
    "tests/analytics/test_hostile_analysts.py::test_a_right_is_not_passed_on": REFUSED_ELSEWHERE,
    "tests/docs/test_scale.py::"
    "test_a_role_altered_by_the_pages_sql_has_the_services_timeouts": ROLE_SETTINGS,
    "tests/imports/test_imports_and_merges.py::"
    "test_users_whose_towns_are_gathered_during_the_import_are_all_in_rooms_of_the_hub": LOCKS,
    "tests/moves/test_paused_processes.py::"
    "test_a_release_moves_a_member_whose_join_was_in_progress_throughout": LOCKS,
    "tests/moves/test_paused_processes.py::"
    "test_an_import_that_pauses_during_a_release_leaves_nobody_in_the_hubs_room": LOCKS,
    "tests/members/test_joins.py::test_joins_go_one_by_one_where_the_database_says_so": (
        "transactions of different nodes may have one number"
    ),
    "tests/members/test_empty_places_under_load.py::"
    "test_a_join_that_finds_its_place_just_removed_gets_a_new_one": LOCKS,
    "tests/members/test_empty_places_under_load.py::"
    "test_an_erasure_waits_for_a_join_in_progress_and_leaves_it_the_place": LOCKS,
    "tests/members/test_joins.py::test_a_locked_user_does_not_delay_other_users": LOCKS,
}

"""Entries age from before their query."""

import time

from app.infra.ttl_cache import TTL_S, SharedTTLCache


def test_an_answer_to_a_query_that_took_longer_than_entries_live_is_not_kept() -> None:
    cache = SharedTTLCache[str, int](max_size=2)
    assert cache.put("slow", 1, time.monotonic() - TTL_S) == 1
    assert cache.get("slow") is None
    cache.put("quick", 2, time.monotonic())
    assert cache.get("quick") == 2


def test_beyond_the_maximum_the_entry_used_longest_ago_is_dropped() -> None:
    cache = SharedTTLCache[str, int](max_size=2)
    for key in ("a", "b"):
        cache.put(key, 1, time.monotonic())
    assert cache.get("a") == 1
    cache.put("c", 1, time.monotonic())
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 1)

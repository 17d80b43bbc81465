"""/docs in a browser that cannot reach other hosts."""

from collections.abc import Callable

from tests.support.browser import PHONE, Visit

MAX_BYTES = 30_000


def test_the_docs_need_no_other_host_and_little_of_the_network(
    visit: Callable[..., Visit],
) -> None:
    visitor = visit(size=PHONE)
    page = visitor.open("/docs")
    page.get_by_role("link", name="POST /rooms").click()
    page.get_by_text("Put a user into the room of their city and interests.").wait_for()
    page.get_by_text("A typed city, and interests as a list").wait_for()
    assert visitor.bytes_loaded() < MAX_BYTES
    page.get_by_role("link", name="RoomRequest").first.click()
    page.get_by_role("heading", name="RoomRequest").wait_for()
    visitor.open("/docs/api.md").get_by_role("heading", name="Retries").wait_for()
    visitor.assert_clean()

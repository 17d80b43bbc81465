"""/docs in a browser that cannot reach other hosts."""

from collections.abc import Callable

from tests.support.browser import Visit


def test_the_docs_need_no_other_host(visit: Callable[..., Visit]) -> None:
    visitor = visit()
    page = visitor.open("/docs")
    page.get_by_text("Put a user into the room of their city and interests.").wait_for()
    page.get_by_text("Put a user into the room of their city and interests.").click()
    page.get_by_text("A typed city, and interests as a list").first.wait_for(state="attached")
    assert visitor.blocked == []
    assert visitor.errors == []

"""/docs, in a browser with the network cable out."""

from collections.abc import Callable

from tests.browser.conftest import Visit

# One worker for all of them: one browser, and one service of each kind.


def test_the_description_of_the_api_needs_no_other_host(visit: Callable[..., Visit]) -> None:
    visitor = visit()
    page = visitor.open("/docs")
    page.get_by_text("Put a user into the room of their city and interests.").wait_for()
    page.get_by_text("Put a user into the room of their city and interests.").click()
    page.get_by_text("A typed city, and interests as booleans").first.wait_for(state="attached")
    assert visitor.refused == []
    assert visitor.complaints == []

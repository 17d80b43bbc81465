"""What a browser sends to the page with the form."""

from tests.support.serving import KEY

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ID = "try-0123456789abcdef0123456789abcdef"
FORM = {"_id": ID, "city": "Sevilla", "interests": ["surf", "coffee"], "key": KEY}

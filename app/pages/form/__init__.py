"""GET /, the page on which people try the service."""

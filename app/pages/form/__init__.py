"""GET /, the try-it page: a person's own way into a room."""

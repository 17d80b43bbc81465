"""GET /rooms/map, a map of the rooms."""

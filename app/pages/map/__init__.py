"""GET /rooms/map: where the rooms are."""

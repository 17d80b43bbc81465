"""/docs: the reference of the API, made from its OpenAPI document, and the guide."""

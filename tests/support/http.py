"""Requests as the app's back end sends them."""

import socket
from http.client import HTTPResponse
from typing import Any

import requests
from flask.testing import FlaskClient

from model.predict import Model
from tests.support.serving import KEY

SURFER = {"surf": True, "coffee": True, "museums": False}


def session() -> requests.Session:
    """Return a session with the API key."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {KEY}"
    return session


def response_on(connection: socket.socket) -> HTTPResponse:
    """Return the response on a connection, on which a request was sent as bytes."""
    response = HTTPResponse(connection)
    response.begin()
    return response


def place(client: FlaskClient, **changed: Any) -> Any:
    """Put a user into a room, and return the response's body; `changed`: fields of the request."""
    body = {"_id": "user-1", "city": "Zuheros del Mar", "interests": SURFER} | changed
    response = client.post("/rooms", json=body)
    assert response.status_code in (200, 201), response.json
    return response.json


def profile_of(model: Model, cluster: int) -> list[str]:
    """Return interests for which the model predicts a cluster."""
    return next([key] for key in model.interests if model.predict([key]) == cluster)

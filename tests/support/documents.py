"""What documents show: requests with curl, and JSON whose values differ each time."""

import shlex
from dataclasses import dataclass
from typing import Any


def shapes(document: Any) -> Any:
    """Return a JSON document with each value replaced by the name of its type."""
    if isinstance(document, dict):
        return {key: shapes(value) for key, value in document.items()}
    return type(document).__name__


@dataclass(frozen=True)
class Curl:
    """The request that a curl command sends."""

    method: str
    address: str
    headers: dict[str, str]
    body: str | None

    @classmethod
    def parse(cls, command: str, **variables: str) -> "Curl":
        """Parse a command, with the values of its shell variables."""
        for name, value in variables.items():
            command = command.replace(f"${name}", value)
        curl, *words = shlex.split(command.replace("\\\n", " "))
        assert curl == "curl"
        headers: dict[str, str] = {}
        method, address, data = None, "", []
        while words:
            word = words.pop(0)
            if word == "-H":
                name, value = words.pop(0).split(": ", 1)
                headers[name] = value
            elif word == "-d":
                data.append(words.pop(0))
            elif word == "-X":
                method = words.pop(0)
            elif word != "-i":
                address = word
        # Like curl: with data the method is POST, the type a form's, and the parts are joined.
        if data:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        body = "&".join(data) if data else None
        return cls(method or ("POST" if data else "GET"), address, headers, body)

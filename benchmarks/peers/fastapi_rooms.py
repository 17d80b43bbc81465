"""FastAPI, asyncpg and uvicorn."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import asyncpg
from cachetools import TTLCache
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field, StrictBool, StringConstraints

from model import artifact

KEY = f"Bearer {os.environ['API_KEYS']}".encode()
CACHE_S = 5
FIND_CITY = """
    SELECT city.id, city.name, city.country_code AS country
    FROM city_names AS name JOIN cities AS city ON city.id = name.city_id
    WHERE name.name_key = $1 AND name.country_code = $2
    ORDER BY name.official DESC, name.population DESC LIMIT 1
"""
FIND_ROOM = "SELECT id FROM rooms WHERE city_id = $1 AND cluster_id = $2"
CREATE_ROOM = """
    INSERT INTO rooms (city_id, cluster_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id
"""
JOIN = Path(__file__).with_name("join.sql").read_text()
FIND_MEMBER = """
    SELECT room_id, previous_room_id, false AS joined FROM memberships WHERE user_id = $1
"""

model = artifact.load()
cities: TTLCache[tuple[str, str], Any] = TTLCache(10_000, CACHE_S)
rooms: TTLCache[tuple[int, int], int] = TTLCache(50_000, CACHE_S)
pool: asyncpg.Pool


class RoomRequest(BaseModel):
    user_id: Annotated[str, Field(alias="_id", pattern=r"^[\w.:~-]{1,64}$")]
    city: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "ES"
    interests: Annotated[dict[str, StrictBool], Field(max_length=256)]


async def keep_session(connection: asyncpg.Connection) -> None:
    """Do nothing: asyncpg would send RESET ALL after each statement, a second round trip."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    global pool
    url, size = os.environ["DATABASE_URL"], int(os.environ["POOL_SIZE"])
    async with asyncpg.create_pool(url, min_size=1, max_size=size, reset=keep_session) as pool:
        yield


def check_key(authorization: Annotated[str, Header()] = "") -> None:
    if not secrets.compare_digest(authorization.encode(), KEY):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> None:
    await pool.fetchval("SELECT 1")


@app.post("/rooms", dependencies=[Depends(check_key)])
async def assign(body: RoomRequest, response: Response) -> dict[str, Any]:
    interests = sorted(key for key, selected in body.interests.items() if selected)
    if not model.known(interests):
        raise HTTPException(422, "interests: select at least one that the model knows")
    cluster = model.predict(interests)
    city = await find_city(body.city.casefold(), body.country)
    room, created = await find_or_create_room(city["id"], cluster)
    member = await pool.fetchrow(JOIN, body.user_id, city["id"], room, interests, model.id)
    if member is None:
        member = await pool.fetchrow(FIND_MEMBER, body.user_id)
    response.status_code = 201 if created else 200
    return {"_id": body.user_id, "cluster": cluster, "city": city, "created": created, **member}


async def find_city(name: str, country: str) -> Any:
    if not (city := cities.get((name, country))):
        row = await pool.fetchrow(FIND_CITY, name, country)
        if not row:
            raise HTTPException(422, "city: is unknown")
        city = cities[name, country] = dict(row)
    return city


async def find_or_create_room(city_id: int, cluster: int) -> tuple[int, bool]:
    if room := rooms.get((city_id, cluster)):
        return room, False
    created = None
    if not (room := await pool.fetchval(FIND_ROOM, city_id, cluster)):
        created = await pool.fetchval(CREATE_ROOM, city_id, cluster)
        room = created or await pool.fetchval(FIND_ROOM, city_id, cluster)
    rooms[city_id, cluster] = room
    return room, created is not None

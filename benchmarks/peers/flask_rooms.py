"""Flask with Flask-SQLAlchemy's session, the way that its tutorials show."""

import os
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from pydantic import BaseModel, Field, StrictBool, StringConstraints, ValidationError
from sqlalchemy import ARRAY, CHAR, ForeignKey, Identity, Text, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from model import artifact


class Base(DeclarativeBase):
    pass


model = artifact.load()
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
    "pool_size": int(os.environ["POOL_SIZE"]),
    "max_overflow": 0,
}
db = SQLAlchemy(app, model_class=Base)


class City(db.Model):
    __tablename__ = "cities"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country_code: Mapped[str | None] = mapped_column(CHAR(2))


class CityName(db.Model):
    __tablename__ = "city_names"
    name_key: Mapped[str] = mapped_column(primary_key=True)
    city_id: Mapped[int] = mapped_column(ForeignKey(City.id), primary_key=True)
    country_code: Mapped[str | None] = mapped_column(CHAR(2))
    official: Mapped[bool]
    population: Mapped[int]
    city: Mapped[City] = relationship(lazy="joined")


class Room(db.Model):
    __tablename__ = "rooms"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    city_id: Mapped[int]
    cluster_id: Mapped[int]


class Membership(db.Model):
    __tablename__ = "memberships"
    user_id: Mapped[str] = mapped_column(primary_key=True)
    city_id: Mapped[int]
    room_id: Mapped[int]
    previous_room_id: Mapped[int | None]
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text))
    model_id: Mapped[str]
    created_at: Mapped[datetime]
    joined_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RoomRequest(BaseModel):
    user_id: Annotated[str, Field(alias="_id", pattern=r"^[\w.:~-]{1,64}$")]
    city: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "ES"
    interests: Annotated[dict[str, StrictBool], Field(max_length=256)]


@app.errorhandler(ValidationError)
def handle_validation_error(error: ValidationError) -> Any:
    return jsonify(errors=error.errors(include_url=False, include_context=False)), 422


@app.before_request
def check_key() -> None:
    expected = f"Bearer {os.environ['API_KEYS']}"
    given = request.headers.get("Authorization", "")
    if request.endpoint != "ready" and not secrets.compare_digest(
        given.encode(), expected.encode()
    ):
        abort(401)


@app.get("/readyz")
def ready() -> str:
    return str(db.session.scalar(select(1)))


@app.post("/rooms")
def assign() -> Any:
    body = RoomRequest.model_validate(request.get_json())
    interests = sorted(key for key, selected in body.interests.items() if selected)
    if not model.known(interests):
        abort(422, "interests: select at least one that the model knows")
    cluster = model.predict(interests)
    city = find_city(body.city.casefold(), body.country)
    room, created = find_or_create_room(city, cluster)
    member, joined = join(body.user_id, city, room, interests)
    document = {
        "_id": member.user_id,
        "room_id": member.room_id,
        "cluster": cluster,
        "city": {"id": city.id, "name": city.name, "country": city.country_code},
        "created": created,
        "joined": joined,
        "previous_room_id": member.previous_room_id,
    }
    # After a commit the session would read each object again.
    db.session.commit()
    return jsonify(document), 201 if created else 200


def find_city(name: str, country: str) -> City:
    found = db.session.scalar(
        select(CityName)
        .filter_by(name_key=name, country_code=country)
        .order_by(CityName.official.desc(), CityName.population.desc())
    )
    if not found:
        abort(422, "city: is unknown")
    return found.city


def find_or_create_room(city: City, cluster: int) -> tuple[Room, bool]:
    query = select(Room).filter_by(city_id=city.id, cluster_id=cluster)
    if room := db.session.scalar(query):
        return room, False
    try:
        with db.session.begin_nested():
            db.session.add(room := Room(city_id=city.id, cluster_id=cluster))
        return room, True
    except IntegrityError:  # another request created it meanwhile
        return db.session.scalars(query).one(), False


def join(user_id: str, city: City, room: Room, interests: list[str]) -> tuple[Membership, bool]:
    now, joined = datetime.now(UTC), False
    member = db.session.get(Membership, user_id, with_for_update=True)
    if member is None:
        member = Membership(user_id=user_id, created_at=now, joined_at=now, previous_room_id=None)
        member.room_id, joined = room.id, True
        db.session.add(member)
    elif member.room_id != room.id:
        member.previous_room_id, member.room_id = member.room_id, room.id
        member.joined_at, joined = now, True
    if (member.city_id, member.interests) != (city.id, interests):
        member.city_id, member.interests = city.id, interests
        member.model_id, member.updated_at = model.id, now
    return member, joined

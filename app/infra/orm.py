"""The base class of the tables, and Flask-SQLAlchemy's extension."""

from datetime import datetime
from typing import TYPE_CHECKING

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, registry


class Base(DeclarativeBase):
    """The tables' base; constraints are named by rule, so that a migration can drop them."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            str: Text,
            int: BigInteger,
            datetime: DateTime(timezone=True),
            list[str]: ARRAY(Text),
        },
    )


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    # The class that Flask-SQLAlchemy makes at run time, in a form that a type checker understands.
    class Model(Base):
        __abstract__ = True

else:
    Model = db.Model

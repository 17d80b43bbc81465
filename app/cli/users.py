"""`manage.py users`."""

from typing import TYPE_CHECKING

import click

from app.cli.common import (
    changing,
    confirm,
    format_option,
    json_option,
    print_fields,
    print_json,
    with_app,
    write_rows,
)
from app.cli.users_import import import_users

if TYPE_CHECKING:
    from app.domain.members.explanation import UserExplanation
    from app.domain.members.repository import UserRecord


@click.group()
def users() -> None:
    """Users: show, forget, export, import."""


users.add_command(import_users)
# An id such as -NxYz is no option.
takes_id = users.command(context_settings={"ignore_unknown_options": True})


@takes_id
@click.argument("user_id")
@click.option("--explain", "with_explanation", is_flag=True, help="Explain the choice of the room.")
@json_option
@with_app
def show(user_id: str, with_explanation: bool, as_json: bool) -> None:
    """Show all data stored about a user."""
    from app.domain.members.explanation import explain
    from app.services import services

    user = _find_user(user_id)
    explanation = explain(user, services().model) if with_explanation else None
    if as_json:
        from app.api.documents import user_document

        print_json(user_document(user, explanation))
        return
    print_fields(
        {
            "user": user.user_id,
            "room": user.room_id,
            "previous room": user.previous_room_id,
            "cluster": user.cluster,
            "city": f"{user.city.name}, {user.city.country or '?'} ({user.city.id})",
            "merged city": user.said_city_id,
            "interests": ", ".join(user.interests),
            "created": f"{user.created_at:%Y-%m-%d %H:%M} UTC",
            "joined": f"{user.joined_at:%Y-%m-%d %H:%M} UTC",
            "moves": len(user.moves),
        }
    )
    if explanation:
        _print_explanation(explanation)


def _print_explanation(explanation: "UserExplanation") -> None:
    chosen = f"cluster {explanation.cluster}, weight {explanation.weight:.3f}"
    runner_up = f"cluster {explanation.runner_up}, weight {explanation.runner_up_weight:.3f}"
    print_fields(
        {
            "model": explanation.model_id,
            "chosen": chosen if explanation.cluster else None,
            "shares": ", ".join(f"{key} {share:.0%}" for key, share in explanation.shares.items()),
            "runner-up": runner_up if explanation.runner_up else None,
            "margin": f"{explanation.margin:.3f}" if explanation.runner_up else None,
            "unknown": ", ".join(explanation.unknown_interests),
            "note": explanation.note,
        }
    )


@takes_id
@click.argument("user_id")
@changing
@json_option
@with_app
def forget(user_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase all data stored about a user."""
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    user = _find_user(user_id)
    counts = {"users": 1, "moves": len(user.moves), "room_id": user.room_id}
    summary = f"1 user from room {user.room_id}, and {len(user.moves)} moves"
    if dry_run:
        print_json(counts) if as_json else click.echo(f"would erase {summary}")
        return
    confirm(f"Erase {summary}? It cannot be undone.", yes)
    # The arguments are not recorded: the run's row must not hold the id that is erased.
    with record_run(services().database, "users forget", {}) as run:
        services().members.forget(user_id)
        run.count("users", 1)
    print_json(counts) if as_json else click.echo(f"erased {summary}")


@users.command()
@format_option
@with_app
def export(form: str) -> None:
    """Write all users to standard output; `users import` reads this CSV."""
    from app.domain.members.export import COLUMNS, export_users
    from app.services import services

    write_rows(form, COLUMNS, export_users(services().database))


def _find_user(user_id: str) -> "UserRecord":
    """Return the user with an id. Raises click.ClickException if there is none."""
    from app.domain.input_limits import is_user_id
    from app.domain.members.repository import UnknownUser
    from app.services import services

    try:
        if not is_user_id(user_id):
            raise UnknownUser
        return services().members.show(user_id)
    except UnknownUser as unknown:
        raise click.ClickException(
            "there is no user with this id; ids are those that the app sends"
        ) from unknown

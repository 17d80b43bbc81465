"""The paths of all commands of manage.py."""

from collections.abc import Iterator

import click

# Mostly Flask-Migrate's commands; tests/schema and tests/deploy run the others of this group.
FLASK_MIGRATE_GROUPS = {"db"}


def command_paths(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of all commands under a group, "cities find" for example."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            if name not in FLASK_MIGRATE_GROUPS:
                yield from command_paths(command, (*path, name))
        else:
            yield " ".join((*path, name))

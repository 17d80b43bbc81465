"""The paths of an instance's server, and the checks on their owners."""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from local_postgres.errors import PostgresUnavailable

# The user that postgres runs as when root starts it; supervisor.py has the same number.
NOBODY_UID = 65534


@dataclass(frozen=True)
class InstancePaths:
    """The paths of one instance. supervisor.py imports nothing, so it repeats their names."""

    pg: Path
    sockets: Path

    @classmethod
    def of(cls, instance: Path) -> "InstancePaths":
        """Return the paths of an instance directory, which need not exist.

        Raises PostgresUnavailable for a path that initdb cannot work in.
        """
        # Resolved, because two names of one directory would start two servers on the same data.
        pg = instance.resolve() / "pg"
        check_path(pg)
        digest = hashlib.sha256(os.fsencode(pg.parent)).hexdigest()[:12]
        # Not tempfile.gettempdir(): TMPDIR may be long (macOS), and a socket's path longer than
        # 107 characters cannot be bound. TMPDIR may also differ between processes of one user.
        return cls(pg, Path(f"/tmp/nomad-rooms-{os.geteuid()}-{digest}"))

    @property
    def log(self) -> Path:
        return self.pg / "server.log"

    @property
    def start_lock(self) -> Path:
        """Held while starting or joining, and by a supervisor while it stops its server."""
        return self.pg / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that joined."""
        return self.pg / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the supervisor and every process of its server."""
        return self.pg / "server.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor alone; a server without it is an orphan."""
        return self.pg / "supervisor.lock"

    def create_home(self) -> None:
        """Create `instance/pg` for the user that postgres runs as.

        Raises PostgresUnavailable if it belongs to another user, OSError if it cannot be created.
        """
        self.pg.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self.pg.mkdir(mode=0o700)
        expected = NOBODY_UID if os.geteuid() == 0 else os.geteuid()
        owner = self.pg.stat().st_uid
        if owner == 0 != expected and os.geteuid() == 0:
            os.chown(self.pg, NOBODY_UID, NOBODY_UID)
        elif owner != expected:
            # Another user's server is invisible, because its socket directory is named after
            # its uid; and postgres's own message about foreign data does not help.
            raise PostgresUnavailable(
                f"{self.pg} belongs to uid {owner}, created by another user (root with sudo?): "
                "run as that user, or remove the directory to start with empty data."
            )

    def check_sockets(self) -> None:
        """Accept a socket directory that is private to this user, or missing.

        Raises PostgresUnavailable otherwise: a user who can write to it can impersonate the
        server.
        """
        try:
            status = self.sockets.lstat()  # not stat: the target of a link can be replaced
        except FileNotFoundError:
            return
        private = stat.S_ISDIR(status.st_mode) and status.st_mode & 0o777 == 0o700
        if not private or status.st_uid != os.geteuid():
            raise PostgresUnavailable(
                f"{self.sockets} is not a directory that only uid {os.geteuid()} can enter "
                f"(owner {status.st_uid}, mode {stat.filemode(status.st_mode)}): "
                "another user or program created it. Remove it and start again."
            )


def check_path(path: Path) -> None:
    """Raise PostgresUnavailable for a path with a character that breaks initdb."""
    # initdb runs `"<path>/postgres"` through the shell, which interprets these four inside
    # double quotes; it then fails with "program postgres was not found".
    if bad := sorted(set('"$`\\') & set(str(path))):
        raise PostgresUnavailable(
            f"The embedded Postgres cannot work in {path}: "
            f"the path contains {' '.join(bad)}, which breaks initdb. Move the project."
        )

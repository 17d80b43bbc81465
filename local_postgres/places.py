"""Where an instance's server keeps its things, and whether it may keep them there."""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from local_postgres.errors import PostgresUnavailable

NOBODY = 65534  # whom postgres runs as when root starts it; supervisor.py has the same number


@dataclass(frozen=True)
class Places:
    """The paths of one instance. supervisor.py, which imports nothing, knows them too."""

    pg: Path
    sockets: Path

    @classmethod
    def of(cls, instance: Path) -> "Places":
        """Return the paths of an instance directory, which need not exist.

        Raises PostgresUnavailable for a path that initdb cannot work in.
        """
        # Resolved, or two names of one directory would be two servers on the same data.
        pg = instance.resolve() / "pg"
        refuse_unusable(pg)
        digest = hashlib.sha256(os.fsencode(pg.parent)).hexdigest()[:12]
        # Not tempfile.gettempdir(): TMPDIR may be long (macOS), and a socket's path longer
        # than 107 characters cannot be bound; it may also differ between two users of one server.
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
        """Held by the supervisor alone: tells a server that is looked after from an orphan."""
        return self.pg / "supervisor.lock"

    def make_home(self) -> None:
        """Make `instance/pg` for the user that postgres runs as.

        Raises PostgresUnavailable when it belongs to somebody else, OSError when it cannot
        be made.
        """
        self.pg.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self.pg.mkdir(mode=0o700)
        owner = NOBODY if os.geteuid() == 0 else os.geteuid()
        found = self.pg.stat().st_uid
        if found == 0 != owner and os.geteuid() == 0:
            os.chown(self.pg, NOBODY, NOBODY)
        elif found != owner:
            # Another user's server would not be seen (its socket directory bears its uid), and
            # postgres refuses data that is not its own in words that do not help.
            raise PostgresUnavailable(
                f"{self.pg} belongs to uid {found}, made by another user (root with sudo?): "
                "run as that user, or remove the directory to begin with empty data."
            )

    def check_sockets(self) -> None:
        """Accept the socket directory if it is ours alone, or not there: the supervisor makes it.

        Raises PostgresUnavailable when it is anything else: whoever can write to it can
        answer in the server's name.
        """
        try:
            found = self.sockets.lstat()  # not stat: a link may lead to what is ours today
        except FileNotFoundError:
            return
        private = stat.S_ISDIR(found.st_mode) and found.st_mode & 0o777 == 0o700
        if not private or found.st_uid != os.geteuid():
            raise PostgresUnavailable(
                f"{self.sockets} is not a directory that only uid {os.geteuid()} can enter "
                f"(owner {found.st_uid}, mode {stat.filemode(found.st_mode)}): "
                "somebody else made it. Remove it and start again."
            )


def refuse_unusable(path: Path) -> None:
    """Raise PostgresUnavailable for a path with a character that breaks initdb."""
    # initdb runs `"<path>/postgres"` through the shell: inside double quotes these four are
    # not themselves, and it ends with "program postgres was not found".
    if bad := sorted(set('"$`\\') & set(str(path))):
        raise PostgresUnavailable(
            f"The embedded Postgres cannot work in {path}: "
            f"the path contains {' '.join(bad)}, which breaks initdb. Move the project."
        )

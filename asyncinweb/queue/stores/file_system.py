"""Which file system the database is on. SQLite's write-ahead log can lose data on network file systems."""

import re
from pathlib import Path

from asyncinweb.errors import DatabaseUnusable

NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "afs",
    "ceph",
    "glusterfs",
}
MOUNTINFO = Path("/proc/self/mountinfo")


def refuse_network_file_system(path: Path, mountinfo: Path = MOUNTINFO) -> None:
    """Raise DatabaseUnusable if `path` is on a network file system, where WAL does not work."""
    kind = file_system_of(path, mountinfo)
    if kind in NETWORK_FILE_SYSTEMS:
        raise DatabaseUnusable(
            f"The database {path} is on a network file system ({kind}), where SQLite can lose data. "
            "Choose a folder on a local disk: --instance DIR"
        )


def file_system_of(path: Path, mountinfo: Path = MOUNTINFO) -> str:
    """The kind of file system that `path` is on, such as ext4; "" on a system that does not say."""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [_mount(line) for line in lines]
    holding = [(point, kind) for point, kind in mounts if path.absolute().is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0].parts), default=(Path("/"), ""))[1]


def _mount(line: str) -> tuple[Path, str]:
    """Mount point and type of one line of /proc/self/mountinfo (proc(5)); spaces are written as \\040."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
    return Path(point), after.split(" ")[0]

"""Which file system a path lies on, from the kernel's table of mounts (proc(5), mountinfo). Pure."""

from __future__ import annotations

import re

_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs"}
)
_NETWORK_FUSE = frozenset(
    {"blobfuse", "blobfuse2", "ceph", "ceph-fuse", "davfs", "gcsfuse", "glusterfs", "goofys", "juicefs", "moosefs"}
    | {"mount-s3", "mountpoint-s3", "rclone", "s3fs", "sshfs"}
)


def file_system(mountinfo: str, path: str) -> str:
    """The type of the file system on which the absolute, resolved `path` lies; "" if no mount holds it.

    Of several mounts on one point the last one counts: it covers the others.
    """
    best, kind = "", ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = _unescaped(fields[4])
        if len(point) >= len(best) and (path + "/").startswith(point.rstrip("/") + "/"):
            best, kind = point, after.partition(" ")[0]
    return kind


def is_network(kind: str) -> bool:
    """Whether locks and memory maps of this file system do not hold between machines."""
    return kind in _NETWORK or (kind.startswith("fuse.") and kind.removeprefix("fuse.") in _NETWORK_FUSE)


def _unescaped(field: str) -> str:
    """Blanks, tabs, newlines and backslashes stand there as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)

"""The file system under a path is that of the nearest mount."""

import pytest

from modgate.settings.mounts import file_system, is_network

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:40 / /srv rw shared:2 master:3 - nfs4 filer:/srv rw,vers=4.2
31 30 8:2 / /srv/local rw - xfs /dev/sdb rw
32 22 0:41 / /mnt/with\040blank rw - cifs //filer/x rw
33 22 0:42 / /over rw - nfs filer:/over rw
34 33 0:43 / /over rw - tmpfs tmpfs rw
not a line of the table
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home/gopher", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/modgate", "nfs4"),
        ("/srvx", "ext4"),  # another directory, not one below
        ("/srv/local/modgate", "xfs"),
        ("/mnt/with blank/x", "cifs"),
        ("/over/x", "tmpfs"),  # the later mount covers the earlier one
    ],
)
def test_the_longest_and_latest_mount_point_counts(path: str, kind: str) -> None:
    assert file_system(MOUNTINFO, path) == kind


def test_an_empty_table_says_nothing() -> None:
    assert file_system("", "/srv") == ""


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("nfs", True), ("nfs4", True), ("cifs", True), ("smb3", True), ("9p", True), ("fuse.sshfs", True),
        ("fuse.glusterfs", True), ("glusterfs", True), ("ceph", True), ("lustre", True),
        ("ext4", False), ("xfs", False), ("btrfs", False), ("zfs", False), ("tmpfs", False), ("overlay", False),
        ("fuse.fuse-overlayfs", False), ("fuseblk", False), ("virtiofs", False), ("", False),
    ],
)  # fmt: skip
def test_only_network_file_systems_are_refused(kind: str, network: bool) -> None:
    assert is_network(kind) is network

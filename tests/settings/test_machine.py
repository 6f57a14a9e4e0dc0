"""What this machine does not allow is told before the start, and looking leaves nothing behind."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import trustme

from modgate.errors import SetupError
from modgate.settings.loaded import Loaded
from modgate.settings.machine import problems, require
from tests.settings.sources import loaded

NO_MOUNTS = Path("/nonexistent")
as_root = os.geteuid() == 0


def told(tmp_path: Path, **flags: str) -> list[str]:
    """What is said where nothing but `flags` could be wrong, and no mount is a network file system."""
    return [str(problem) for problem in problems(on(tmp_path, **flags), mounts=NO_MOUNTS)]


def on(tmp_path: Path, **flags: str) -> Loaded:
    return loaded({"listen": "127.0.0.1:0", "admin": "off", "data": str(tmp_path / "data"), **flags})


def test_a_good_machine_has_no_problems_and_is_left_as_it_was(tmp_path: Path) -> None:
    assert told(tmp_path, data=str(tmp_path / "a/b/c"), access_log=str(tmp_path / "log")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    remedy = "give a directory that modgate may write"
    assert told(tmp_path) == [f"data: cannot write into {tmp_path}/data: Not a directory; {remedy}"]
    assert told(tmp_path, data=str(tmp_path / "data/below"))[0].startswith("data: cannot write into")


@pytest.mark.skipif(as_root, reason="root may write everywhere")
def test_a_data_directory_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in told(tmp_path)[0]


def test_a_directory_that_takes_no_files_is_refused() -> None:
    assert told(Path("/proc/self"))[0].startswith("data: cannot write into /proc/self/data: ")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_data_directory_on_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"20 1 8:1 / / rw - ext4 /dev/sda rw\n21 20 0:50 / {tmp_path} rw - {kind} server:/x rw\n", encoding="utf-8"
    )
    (problem,) = problems(on(tmp_path), mounts=mounts)
    assert problem.problem.startswith(f"{tmp_path}/data lies on a network file system ({kind}), where flock")
    assert problem.remedy == "give a directory on a local disk"


@pytest.mark.parametrize("field", ["listen", "admin"])
def test_a_port_in_use_is_told(tmp_path: Path, field: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert told(tmp_path, **{field: address}) == [
            f"{field}: {address} is in use; stop what listens there, or give another port"
        ]
    assert told(tmp_path, **{field: address}) == []


def test_a_port_is_in_use_if_any_address_of_the_machine_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "is in use" in told(tmp_path, listen=f":{taken.getsockname()[1]}")[0]


def pem(directory: Path, name: str) -> tuple[Path, Path]:
    certificate = trustme.CA().issue_cert(name)
    certificate.private_key_pem.write_to_path(directory / f"{name}.key")
    certificate.cert_chain_pems[0].write_to_path(directory / f"{name}.crt")
    return directory / f"{name}.crt", directory / f"{name}.key"


def test_a_certificate_and_its_key_are_fine_and_those_of_two_are_not(tmp_path: Path) -> None:
    (one, key), (other, _) = pem(tmp_path, "one.example"), pem(tmp_path, "other.example")
    assert told(tmp_path, tls_cert=str(one), tls_key=str(key)) == []
    assert told(tmp_path, tls_cert=str(other), tls_key=str(key)) == [
        f"tls_key: {other} and {key} do not belong together; give the PEM files of one certificate, no password"
    ]


def test_what_is_no_certificate_or_cannot_be_read_is_told(tmp_path: Path) -> None:
    one, key = pem(tmp_path, "one.example")
    garbage = tmp_path / "garbage"
    garbage.write_text("-----BEGIN GARBAGE-----", encoding="utf-8")
    assert "cannot be used together" in told(tmp_path, tls_cert=str(one), tls_key=str(garbage))[0]
    missing = f"cannot read {tmp_path}/none: No such file or directory; name a readable PEM file"
    assert told(tmp_path, tls_cert=f"{tmp_path}/none", tls_key=str(key)) == [f"tls_cert: {missing}"]
    assert told(tmp_path, tls_cert=f"{tmp_path}/none", tls_key=f"{tmp_path}/none") == [
        f"tls_cert: {missing}",
        f"tls_key: {missing}",
    ]


def test_a_key_with_a_password_is_refused_without_asking_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate, key = pem(tmp_path, "one.example")
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    assert "no password" in told(tmp_path, tls_cert=str(certificate), tls_key=str(key))[0]


def test_a_log_file_must_be_writable(tmp_path: Path) -> None:
    existing = tmp_path / "log"
    existing.write_text("one line\n", encoding="utf-8")
    assert told(tmp_path, access_log=str(existing)) == []
    assert existing.read_text(encoding="utf-8") == "one line\n"
    remedy = "name a writable file, - or off"
    assert told(tmp_path, access_log=str(tmp_path)) == [
        f"access_log: cannot write {tmp_path}: Is a directory; {remedy}"
    ]
    assert told(tmp_path, access_log=f"{tmp_path}/no/log") == [
        f"access_log: cannot write {tmp_path}/no/log: No such file or directory; {remedy}"
    ]
    os.mkfifo(tmp_path / "pipe")
    assert told(tmp_path, access_log=f"{tmp_path}/pipe") == [
        f"access_log: cannot write {tmp_path}/pipe: No such device or address; {remedy}"
    ]


def test_a_start_stops_at_the_first_problem(tmp_path: Path) -> None:
    missing = on(tmp_path, data="/proc/self/x", access_log="/no/such/log")
    assert [problem.field for problem in problems(missing, mounts=NO_MOUNTS)] == ["data", "access_log"]
    with pytest.raises(SetupError) as caught:
        require(missing, mounts=NO_MOUNTS)
    assert caught.value.field == "data"

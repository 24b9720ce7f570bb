"""Files of devices, right and wrong, and the file of their passwords."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from citybrain.devices.credentials import Credential, DeviceError, NewDevice, password
from citybrain.devices.importing import parse, read, write


def test_a_file_as_a_spreadsheet_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    text = 'region,domain,name,site,gateway\r\n150802,water,"gauge, 7",,\r\n\r\n150802,water,泵 1,ph-1,gw-1\r\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    devices, labels = read(file)
    assert devices == [
        NewDevice("150802", "water", "gauge, 7"),
        NewDevice("150802", "water", "泵 1", "ph-1", "gw-1"),
    ]
    assert labels == ["line 2", "line 4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "first line must name"),
        ("region,domain\n", "first line must name"),
        ("region,domain,name,password\n", "first line must name"),
        ("region,domain,name,name\n", "first line must name"),
        ("region,domain,name\n", "no devices"),
        ("region,domain,name\n1,2\n", "line 2: it has not as many cells"),
        ("region,domain,name\n1,2,3,4\n", "line 2: it has not as many cells"),
        ("region,domain,name\n1,2, \n,,x\n", "(?s)line 2: name missing.*line 3: region and domain missing"),
        ('region,domain,name\n1,2,"x\n', "line 2: "),
    ],
)
def test_each_wrong_line_is_named(text: str, expected: str) -> None:
    with pytest.raises(DeviceError, match=expected):
        parse(text, "devices.csv")


def test_too_many_devices_are_refused() -> None:
    with pytest.raises(DeviceError, match="10001 devices, 10000 are the most"):
        parse("region,domain,name\n" + "1,2,3\n" * 10_001, "devices.csv")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeviceError, match="UTF-8"):
        read(tmp_path / "x.csv")
    with pytest.raises(DeviceError, match="can't be read"):
        read(tmp_path / "absent.csv")


def test_passwords_go_into_a_new_file_that_nobody_else_reads(tmp_path: Path) -> None:
    file = tmp_path / "secret.csv"
    credential = Credential(("150802", "water", 'a,"b'), password())
    write(file, [credential])
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open(newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert row == {
        "region": "150802",
        "domain": "water",
        "name": 'a,"b',
        "username": '150802/water/a,"b',
        "password": credential.password,
    }
    with pytest.raises(FileExistsError):
        write(file, [])


def test_a_password_is_long_and_plain() -> None:
    made = {password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) == 32 and one.isascii() and one.isalnum() for one in made)

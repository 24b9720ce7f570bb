from __future__ import annotations

import re

from citybrain.quality import DOUBTFUL, Flag
from citybrain.settings import PROJECT
from ingest.reasons import Reason

OPERATIONS = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return OPERATIONS.split(f"### {title}\n")[1].split("\n#")[0]


def test_every_reason_is_explained_and_no_other() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", section("Reasons"), re.MULTILINE)
    assert sorted(explained) == sorted(Reason)


def test_every_flag_is_explained_with_its_bit_and_whether_it_is_doubtful() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|.*\| (yes|no) \|$", section("Quality flags"), re.MULTILINE)
    assert {(int(bit), name, doubtful == "yes") for bit, name, doubtful in rows} == {
        (flag.value, str(flag.name).lower(), flag in DOUBTFUL) for flag in Flag
    }

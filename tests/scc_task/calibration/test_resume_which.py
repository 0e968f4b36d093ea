"""Which of a session's calibrations is gone on with: the newest on this leg and with this protocol."""

import shutil
from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS
from resumed import NAME, SECOND, lines_of, of_a_person, resume, write
from stored import real_rig

from scc_task.errors import UsageInvalid

pytestmark = pytest.mark.xdist_group("resume")  # what they share is made once


def interrupted_twice(whole: Path, data: Path, **other: str) -> Path:
    """Write a calibration that was interrupted, and a later one that differs; return the first one's rig."""
    rig = real_rig(data)
    start, *rest = of_a_person(lines_of(whole, 4), rig)
    write(data, [start, *rest])
    inputs = [
        i | {"sha256": other["protocol"]} if "protocol" in other and i["role"] == "protocol" else i
        for i in start["inputs"]
    ]
    site = other.get("site", start["cuff_site"])
    later = [start | {"inputs": inputs, "cuff_site": site}, *rest]
    write(data, later, SECOND)
    return rig


@pytest.mark.parametrize("other", [{"site": "right calf"}, {"protocol": "ab" * 32}])
def test_a_later_calibration_of_another_leg_or_protocol_hides_none(
    whole: Path, tmp_path: Path, other: dict[str, str]
) -> None:
    rig = interrupted_twice(whole, tmp_path, **other)
    prepared = resume(tmp_path, rig)
    assert prepared.run.resumes == NAME
    assert len(prepared.procedure.outcomes) == 4


def test_the_run_of_this_leg_is_named_where_only_its_protocol_differs(
    whole: Path, tmp_path: Path
) -> None:
    rig = interrupted_twice(whole, tmp_path, site="right calf")
    mine = tmp_path / "mine.yaml"
    shutil.copytree(PROTOCOLS / "text", tmp_path / "text")
    mine.write_text((PROTOCOLS / "calibration.yaml").read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(UsageInvalid, match=r"run-1 was begun with another protocol"):
        resume(tmp_path, rig, protocol=mine)

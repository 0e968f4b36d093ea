"""The doctor's record, the warning before a run, and the line through the points."""

import json
import math
from datetime import date
from pathlib import Path

import pytest

from hardware.clock import VirtualClock
from hardware.readings import Identity
from scc_task.doctor.due import warning
from scc_task.doctor.fit import fit_line, judge_points
from scc_task.doctor.results import Result, Verdict, failed
from scc_task.doctor.store import append_record, make_record, read_records, store_path
from scc_task.protocol.load import load_rig

ROOT = Path(__file__).resolve().parents[3]
WHO = Identity(
    manufacturer="maker",
    model="cuff",
    serial_number="7",
    firmware="1.0",
    protocol="CUFF/1",
    ceiling_mmhg=math.inf,
    lease_ms=400,
    simulated=False,
)
GOOD = Result(name="zero reading", verdict=Verdict.OK, seen="zero")
BAD = failed("leak at 60 mmHg", "it leaks", "mend it")
DAY = date(2026, 8, 4)


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    path = tmp_path / "room.yaml"
    path.write_bytes((ROOT / "rigs" / "reference.yaml").read_bytes())
    return path


def keep(rig_path: Path, *results: Result, on: str = "2026-08-01", **changes: object) -> None:
    record = make_record(
        load_rig(rig_path), VirtualClock(), WHO, results, under_pressure=True, faults=None
    )
    append_record(store_path(rig_path), {**record, "date": f"{on}T08:00:00Z", **changes})


def word(rig_path: Path, who: Identity = WHO, today: date = DAY) -> str | None:
    return warning(load_rig(rig_path).model, rig_path, who, today)


def test_a_fresh_good_check_under_pressure_needs_no_warning(rig_path: Path) -> None:
    keep(rig_path, GOOD)
    assert word(rig_path) is None


def test_a_cuff_that_was_never_checked_is_warned_of(rig_path: Path) -> None:
    assert "never been checked" in (word(rig_path) or "")


def test_the_warning_names_the_command(rig_path: Path) -> None:
    assert f"run_task.py doctor --rig {rig_path}" in (word(rig_path) or "")


def test_a_failed_check_is_warned_of_also_when_an_earlier_one_was_good(rig_path: Path) -> None:
    keep(rig_path, GOOD)
    keep(rig_path, GOOD, BAD)
    assert "leak at 60 mmHg" in (word(rig_path) or "")


def test_another_device_is_warned_of(rig_path: Path) -> None:
    keep(rig_path, GOOD, device={"serial_number": "8", "firmware": "1.0"})
    assert "serial 8, this is 7" in (word(rig_path) or "")


def test_another_firmware_is_warned_of(rig_path: Path) -> None:
    keep(rig_path, GOOD, device={"serial_number": "7", "firmware": "0.9"})
    assert "firmware" in (word(rig_path) or "")


def test_a_rig_file_that_was_edited_is_warned_of(rig_path: Path) -> None:
    keep(rig_path, GOOD)
    rig_path.write_text(rig_path.read_text("utf-8") + "# edited\n", "utf-8")
    assert "has changed" in (word(rig_path) or "")


@pytest.mark.parametrize(("on", "warned"), [("2026-07-05", False), ("2026-07-04", True)])
def test_a_check_is_good_for_the_days_that_the_rig_allows(
    rig_path: Path, on: str, warned: bool
) -> None:
    keep(rig_path, GOOD, on=on)
    assert (word(rig_path) is not None) is warned


def test_a_check_without_pressure_does_not_renew_one_with(rig_path: Path) -> None:
    keep(rig_path, GOOD, on="2026-05-01")
    keep(rig_path, GOOD, under_pressure=False)
    assert "under pressure is 95 days old" in (word(rig_path) or "")


def test_an_emulated_cuff_needs_no_doctor(tmp_path: Path) -> None:
    path = tmp_path / "simulated.yaml"
    path.write_bytes((ROOT / "rigs" / "simulated.yaml").read_bytes())
    assert word(path) is None


def test_a_torn_last_line_costs_nothing_but_itself(rig_path: Path) -> None:
    keep(rig_path, GOOD)
    path = store_path(rig_path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 5):
        path.write_bytes(whole + whole[:size])
        append_record(path, {"version": 1, "date": "2026-08-02"})
        dates = [record["date"][:10] for record in read_records(path)]
        # a line that lacks only its line end is whole
        assert dates in (["2026-08-01", "2026-08-02"], ["2026-08-01"] * 2 + ["2026-08-02"])


def test_a_record_is_json_that_anybody_can_read(rig_path: Path) -> None:
    keep(rig_path, Result(name="a", verdict=Verdict.OK, seen="ü", figures={"x": math.nan}))

    def refuse(word: str) -> None:
        raise AssertionError(word)

    line = store_path(rig_path).read_text("utf-8")
    record = json.loads(line, parse_constant=refuse)
    assert record["device"]["ceiling_mmhg"] is None
    assert record["results"][0]["figures"] == {"x": None}


def test_the_line_is_found_through_exact_points() -> None:
    given = [40.0, 80.0, 120.0, 160.0, 200.0]
    fit = fit_line(given, [1.02 * value - 1.5 for value in given])
    assert fit.slope == pytest.approx(1.02)
    assert fit.offset_mmhg == pytest.approx(-1.5)
    assert fit.residual_mmhg == pytest.approx(0.0, abs=1e-9)
    assert (fit.worst_mmhg, fit.worst_at_mmhg) == (pytest.approx(2.5), 200.0)


def test_the_residual_is_what_the_line_leaves() -> None:
    fit = fit_line([0.0, 1.0, 2.0, 3.0], [1.0, -1.0, -1.0, 1.0])
    assert fit.slope == pytest.approx(0.0)
    assert fit.residual_mmhg == pytest.approx(math.sqrt(2.0))


def test_a_line_through_one_pressure_is_refused() -> None:
    with pytest.raises(ValueError, match="two different"):
        fit_line([60.0, 60.0], [59.0, 61.0])


@pytest.mark.parametrize(
    ("given", "found", "verdict"),
    [
        (40.0, 43.0, Verdict.OK),
        (40.0, 43.1, Verdict.WARN),
        (200.0, 204.0, Verdict.OK),
        (40.0, 50.1, Verdict.FAIL),
        (200.0, 189.0, Verdict.FAIL),
        (200.0, math.nan, Verdict.FAIL),
    ],
)
def test_a_point_is_judged_by_mmhg_or_share_whichever_is_greater(
    given: float, found: float, verdict: Verdict
) -> None:
    assert judge_points([given], [found], resolution_mmhg=0.0) is verdict


def test_nothing_can_be_nearer_than_the_step_of_a_coarse_reading() -> None:
    assert judge_points([40.0], [45.5], resolution_mmhg=2.9) is Verdict.OK

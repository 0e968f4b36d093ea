"""Other clocks and ours: the difference is measured, and so is how well it is known."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.lsl_clock import settings_files
from hardware.other_clocks import OtherClock, compare_clocks

ROOT = Path(__file__).resolve().parents[2]


def readings(*pauses_s: float, ahead_s: float) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return two clocks, theirs ahead of ours; a pause falls before ours is read the second time."""
    ours_s, reads = 100.0, 0

    def ours() -> float:
        nonlocal ours_s, reads
        if reads % 2:
            ours_s += pauses_s[(reads // 2) % len(pauses_s)]
        reads += 1
        return ours_s

    def theirs() -> float:
        return ours_s + ahead_s

    return theirs, ours


def test_the_difference_is_what_the_tightest_reading_says() -> None:
    theirs, ours = readings(0.5, 0.000_01, 0.2, ahead_s=1000.0)
    clock = compare_clocks(theirs, ours)
    assert clock.uncertainty_s == pytest.approx(0.000_005, rel=1e-3)
    assert abs(clock.offset_s + 1000.0) <= clock.uncertainty_s * 1.001


def test_a_time_goes_there_and_back() -> None:
    clock = OtherClock(offset_s=-12.5, uncertainty_s=0.0)
    assert clock.ours_s(20.0) == 7.5
    assert clock.theirs_s(clock.ours_s(20.0)) == 20.0


ALL_CLOCKS = """
import json
from hardware.clock import now_s
from hardware.lsl_clock import lsl_library
from hardware.other_clocks import compare_clocks
from scc_task.present.quiet import import_psychtoolbox
found = {}
for name, read in (("lsl", lsl_library().local_clock), ("ptb", import_psychtoolbox().GetSecs)):
    clock = compare_clocks(read)
    before_s = now_s()
    converted_s = clock.ours_s(read())
    found[name] = [before_s, converted_s, now_s(), clock.uncertainty_s]
print(json.dumps(found))
"""


def test_every_clock_that_stamps_agrees_with_ours_after_conversion() -> None:
    done = subprocess.run(  # a process of its own: psychtoolbox reads its environment when it loads
        [sys.executable, "-c", ALL_CLOCKS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {"lsl", "ptb"}
    for before_s, converted_s, after_s, uncertainty_s in found.values():
        assert before_s - uncertainty_s <= converted_s <= after_s + uncertainty_s
        assert uncertainty_s < 0.01


def test_a_laboratory_s_own_settings_are_looked_for_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LSLAPICFG", str(tmp_path / "lsl_api.cfg"))
    assert settings_files()[0] == tmp_path / "lsl_api.cfg"

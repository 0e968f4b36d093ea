"""The continuous recording: grid, gaps, triggers, and bytes that do not depend on the day."""

import gzip

import numpy as np
import pytest
from record_builders import T0_S, make_documents, make_plan

from scc_task.documents import Document, Pulse, Samples
from scc_task.record.physio import physio_table, sampling_hz
from scc_task.record.samples import Trace, trace_of

PLAN = make_plan(trials=1)


def trace(times_s: list[float], mmhg: list[float], period_s: float = 0.02) -> Trace:
    return Trace(
        times_s=np.array(times_s),
        measured_mmhg=np.array(mmhg),
        commanded_mmhg=np.array(mmhg),
        period_s=period_s,
    )


def rows_of(
    trace: Trace, pulses_s: tuple[float, ...] = (), *, t0_s: float = 0.0, end_s: float = 0.1
) -> list[list[str]]:
    data, _ = physio_table(trace, pulses_s, t0_s=t0_s, end_s=end_s)
    return [line.split("\t") for line in gzip.decompress(data).decode().splitlines()]


def samples_in(documents: list[Document]) -> Trace:
    return trace_of([d for d in documents if isinstance(d, Samples)])


def test_a_whole_run_is_on_one_grid_without_gaps() -> None:
    documents = make_documents(PLAN)
    pulses = tuple(d.time_s for d in documents if isinstance(d, Pulse))
    end_s = T0_S + PLAN.length_s
    rows = rows_of(samples_in(documents), pulses, t0_s=T0_S, end_s=end_s)
    assert len(rows) / 50 >= PLAN.length_s
    assert {len(r) for r in rows} == {3}
    assert "n/a" not in {r[0] for r in rows[: round(PLAN.length_s * 50)]}
    triggers = [n for n, r in enumerate(rows) if r[2] == "1"]
    assert triggers == [n * 50 for n in range(len(pulses))]
    onset = 46 * 50
    assert rows[onset - 1][1] == "0.0"
    assert rows[onset][1] == "152.4"
    assert rows[onset + 15 * 50 - 1][:2] == ["152.4", "152.4"]
    assert rows[onset + 15 * 50][1] == "0.0"


def test_between_near_samples_is_a_line_and_between_far_ones_nothing() -> None:
    rows = rows_of(trace([0.0, 0.01, 0.05, 0.12, 0.14], [0, 10, 50, 120, 140]), end_s=0.16)
    measured = [r[0] for r in rows]
    assert measured == ["0.0", "20.0", "40.0", "n/a", "n/a", "n/a", "120.0", "140.0", "n/a"]
    # a target is held, not interpolated, and is known no longer than three periods
    assert [r[1] for r in rows] == [
        "0.0", "10.0", "10.0", "50.0", "50.0", "50.0", "120.0", "140.0", "140.0",
    ]  # fmt: skip


def test_nothing_is_made_up_before_the_first_and_after_the_last_sample() -> None:
    rows = rows_of(trace([0.05, 0.07], [50, 70]), end_s=0.2)
    assert [r[0] for r in rows[:4]] == ["n/a", "n/a", "n/a", "60.0"]
    assert {r[0] for r in rows[4:]} == {"n/a"}
    assert rows[-1] == ["n/a", "n/a", "0"]


def test_a_null_sample_is_a_gap() -> None:
    times_s = [n / 50 for n in range(9)]
    rows = rows_of(trace(times_s, [1.0, 1.0, *[float("nan")] * 4, 1.0, 1.0, 1.0]), end_s=0.16)
    assert [r[0] for r in rows] == ["1.0", "1.0", *["n/a"] * 4, "1.0", "1.0", "1.0"]


def test_a_run_without_a_cuff_still_has_its_triggers() -> None:
    rows = rows_of(trace_of([]), (0.0, 0.051, -3.0), end_s=0.1)
    assert [r[2] for r in rows] == ["1", "0", "0", "1", "0", "0"]
    assert {r[0] for r in rows} == {"n/a"}


def test_no_minus_zero() -> None:
    assert rows_of(trace([0.0, 0.02], [-0.04, -0.01]))[0][0] == "0.0"


@pytest.mark.parametrize(("period_s", "rate"), [(0.02, 50), (0.01, 100), (0.005, 100), (0.05, 50)])
def test_the_grid_is_as_fine_as_the_device(period_s: float, rate: float) -> None:
    assert sampling_hz(trace([0.0], [0.0], period_s)) == rate


def test_a_slow_device_has_no_gaps() -> None:
    times_s = [n * 0.05 for n in range(21)]
    rows = rows_of(trace(times_s, [float(n) for n in range(21)], 0.05), end_s=0.98)
    assert "n/a" not in {cell for row in rows[:50] for cell in row}


def test_a_scan_that_is_longer_than_the_steps_keeps_its_last_pulses() -> None:
    pulses_s = (-0.5, *(n * 0.46 for n in range(58)))
    rows = rows_of(trace([0.0, 0.02], [1.0, 2.0]), pulses_s, end_s=25.0)
    triggers = [n for n, r in enumerate(rows) if r[2] == "1"]
    assert triggers == [round(n * 0.46 * 50) for n in range(58)]
    assert rows[-1] == ["n/a", "n/a", "1"]


def test_the_last_pulse_has_its_row_wherever_it_lies_between_two() -> None:
    for late_s in (0.0, 0.004, 0.0099, 0.0101, 0.016, 0.019):
        rows = rows_of(trace_of([]), (0.0, 3.0 + late_s), end_s=1.0)
        assert [r[2] for r in rows].count("1") == 2
        assert rows[-1][2] == "1"


def test_the_recording_ends_after_the_last_event() -> None:
    for end_s in (0.0, 0.019, 0.02, 0.021, 548.0, 548.001):
        data, rate_hz = physio_table(trace_of([]), (), t0_s=0.0, end_s=end_s)
        assert gzip.decompress(data).count(b"\n") / rate_hz >= end_s


def test_the_bytes_hold_no_time_and_no_name() -> None:
    data, _ = physio_table(trace_of([]), (), t0_s=0.0, end_s=1.0)
    assert data[3] == 0  # no optional fields, such as a name
    assert data[4:8] == bytes(4)  # no time

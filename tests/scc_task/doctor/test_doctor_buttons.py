"""The doctor on a serial button box: what a held button and some presses show, and what to write."""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from protocol_files import RIGS
from typer.testing import CliRunner

from hardware.button_box import Arrival
from scc_task import cli
from scc_task.doctor import buttons as doctor_buttons
from scc_task.doctor.buttons import judge_hold, judge_presses, repeat_s_for
from scc_task.doctor.results import Result, Verdict
from scc_task.protocol.rig_responses import LEAST_REPEAT_S, Responses

ADAPTER = (1.0, "the adapter's latency timer, 1 ms")
SLOW_ADAPTER = (16.0, "16 ms, the usual latency timer of a USB adapter")
BOX = {"answers": "serial", "port": "COM5", "confirm": ("3",), "stop": ("4",)}


def box(**more: object) -> Responses:
    return Responses.model_validate({**BOX, "left": ("1",), "right": ("2",), **more})


def held(sign: str, times_s: Sequence[float], *, late_s: float = 0.0) -> list[Arrival]:
    return [Arrival(100.0 + time_s, ord(sign), late_s) for time_s in times_s]


def every(period_s: float, count: int = 60) -> list[float]:
    return [number * period_s for number in range(count)]


def judged(
    arrivals: list[Arrival], *, adapter: tuple[float, str] = ADAPTER, **more: object
) -> Result:
    return judge_hold(arrivals, box(**more), adapter)


def test_a_box_that_repeats_as_the_rig_says_is_fine() -> None:
    result = judged(held("1", every(1 / 30)))
    assert result.verdict is Verdict.OK
    assert (result.figures["period_ms"], result.figures["adapter_ms"]) == (33.3, 1.0)


@pytest.mark.parametrize("adapter", [ADAPTER, SLOW_ADAPTER], ids=["1 ms", "16 ms"])
@pytest.mark.parametrize("period_s", [1 / 30, 0.034, 0.0355])
def test_a_healthy_box_passes_with_what_a_rig_has_if_it_says_nothing(
    adapter: tuple[float, str], period_s: float
) -> None:
    result = judged(held("1", every(period_s)), adapter=adapter)
    assert result.verdict is Verdict.OK, result


def test_only_what_the_adapter_may_add_is_allowed_for() -> None:
    quick, slow = (
        judged(held("1", every(0.1)), adapter=adapter) for adapter in (ADAPTER, SLOW_ADAPTER)
    )
    assert (quick.figures["repeat_s"], slow.figures["repeat_s"]) == (0.12, 0.13)


def test_an_adapter_that_holds_bytes_back_is_seen_in_the_longest_silence() -> None:
    ticks = [-(-time_s // 0.016) * 0.016 for time_s in every(1 / 30)]
    result = judged(held("1", ticks))
    assert result.verdict is Verdict.OK
    assert result.figures["longest_silence_ms"] == pytest.approx(48, abs=0.5)


def test_a_slow_box_is_told_what_to_write() -> None:
    result = judged(held("1", every(0.1)))
    assert result.verdict is Verdict.FAIL
    assert "TOO TIGHT" in result.seen
    assert "write 'repeat_s: 0.12'" in result.do
    assert judged(held("1", every(0.1)), repeat_s=0.12).verdict is not Verdict.FAIL


def test_a_box_that_waits_before_it_repeats_is_told_so() -> None:
    times_s = [0.0, *(0.4 + time_s for time_s in every(1 / 30))]
    result = judged(held("1", times_s))
    assert "write 'repeat_s: 0.41'" in result.do
    assert result.figures["first_silence_ms"] == 400.0
    late = judged(held("1", [0.0, *(0.6 + time_s for time_s in every(1 / 30))]))
    assert "TOO SLOW" in late.seen


def test_what_this_computer_was_late_to_take_is_no_silence_of_the_box() -> None:
    times_s = every(1 / 30)
    arrivals = held("1", times_s)
    arrivals[30] = Arrival(100.0 + times_s[31], ord("1"), late_s=1 / 30)
    assert judged(arrivals).verdict is Verdict.OK


def test_what_was_measured_is_never_written_tighter_than_a_rig_may_say() -> None:
    assert repeat_s_for(0.012, 0.01, 0.016) == LEAST_REPEAT_S
    assert repeat_s_for(0.05, 1 / 30, 0.016) == 0.06
    assert repeat_s_for(0.055, 1 / 30, 0.016) == 0.07


def test_a_box_that_never_repeats_is_no_grip_and_may_say_so() -> None:
    assert "repeat_s: 0" in judged(held("1", [0.0])).do
    assert judged(held("1", [0.0]), repeat_s=0).do == ""
    result = judged(held("g", [0.0]), grip="g")
    assert result.verdict is Verdict.FAIL
    assert "remove 'grip'" in result.do


def test_the_grip_is_what_has_to_be_held() -> None:
    assert "not the grip 'g'" in judged(held("1", every(1 / 30)), grip="g").seen


def test_a_box_that_is_silent_has_failed() -> None:
    assert "SILENT" in judged([]).seen
    assert "SILENT" in judge_presses(Counter(), box()).seen


def test_a_byte_that_no_button_has_is_named() -> None:
    result = judge_presses(Counter({"1": 3, "A": 3}), box())
    assert result.verdict is Verdict.FAIL
    assert "'A' has no meaning" in result.do


def test_releases_that_were_lost_are_counted() -> None:
    result = judge_presses(Counter({"1": 5}), box(release={"1": "A"}), doubts=2)
    assert result.verdict is Verdict.WARN
    assert "2 came without the release" in result.seen


def test_bounces_that_an_adapter_may_bring_apart_are_told_with_what_to_write() -> None:
    result = judge_presses(Counter({"1": 5}), box(release={"1": "A"}), bounces=1)
    assert result.verdict is Verdict.WARN
    assert "write 'bounce_s: 0.03'" in result.do
    more = judge_presses(Counter({"1": 5}), box(release={"1": "A"}, bounce_s=0.03), bounces=1)
    assert more.verdict is Verdict.OK


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_box_on_a_port_is_held_and_pressed_and_the_command_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_buttons, "HOLD_S", 0.5)
    monkeypatch.setattr(doctor_buttons, "SETTLE_S", 0.2)
    master, slave = os.openpty()
    over = threading.Event()
    plain = (RIGS / "simulated.yaml").read_text("utf-8")
    before, rest = plain.split("responses:")
    responses = (
        f"responses: {{answers: serial, port: {os.ttyname(slave)}, left: ['1'], right: ['2'],"
        " confirm: ['3'], stop: ['4'], release: {'2': B}}\n\n"
    )
    rig = tmp_path / "rig.yaml"
    rig.write_text(before + responses + rest[rest.index("screen:") :], "utf-8")

    def finger() -> None:
        held_until_s = time.monotonic() + 1.0
        while not over.wait(0.03):  # a held button, then presses whose releases are lost
            quick = time.monotonic() < held_until_s
            os.write(master, b"1" if quick else b"2")
            over.wait(0.0 if quick else 0.15)

    thread = threading.Thread(target=finger)
    thread.start()
    try:
        shown = CliRunner().invoke(
            cli.app, ["doctor", "--rig", str(rig), "--buttons", "--listen", "20", "--json"]
        )
    finally:
        over.set()
        thread.join()
        os.close(master)
        os.close(slave)
    found = json.loads(shown.stdout)["buttons"]
    assert [result["name"] for result in found] == ["held button", "presses"]
    assert found[0]["figures"]["button"] == "1"
    assert found[1]["figures"]["lost_releases"] >= 5
    assert "LOST RELEASES" in found[1]["seen"]


def test_a_rig_without_a_serial_box_has_nothing_to_try() -> None:
    shown = CliRunner().invoke(cli.app, ["doctor", "--buttons", "--json"])
    assert shown.exit_code == 0
    (result,) = json.loads(shown.stdout)["buttons"]
    assert result["verdict"] == "skipped"

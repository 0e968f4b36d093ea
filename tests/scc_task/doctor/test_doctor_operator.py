"""What only a person or a device's own button can tell the doctor."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from doctor_bench import Operator

from hardware.limits import Limits
from hardware.readings import FaultReport, Program
from hardware.states import StopReason
from scc_task.doctor import button
from scc_task.doctor.inflation import Inflation
from scc_task.doctor.questions import number, yes
from scc_task.doctor.results import Verdict
from scc_task.doctor.switching import try_switching


@dataclass
class BlindCuff:
    """A cuff whose pressure nobody measures."""

    limits: Limits = dataclasses.field(default_factory=Limits)
    emptied: bool | None = None
    asked_mmhg: float | None = None

    def inflate(self, target_mmhg: float, on_s: float) -> Inflation:
        self.asked_mmhg = target_mmhg
        program = Program(number=1, onset_s=0.0, offset_s=on_s, target_mmhg=target_mmhg)
        return Inflation(program=program, emptied=None)


def switched(*lines: str) -> tuple[Any, BlindCuff]:
    cuff = BlindCuff()
    (result,) = try_switching(
        cuff,  # type: ignore[arg-type]
        Operator(list(lines)),
        target_mmhg=60.0,
        by_hand=True,
    )
    return result, cuff


def test_a_blind_device_that_switches_as_the_gauge_shows_is_good() -> None:
    result, cuff = switched("yes", "58", "yes")
    assert result.verdict is Verdict.OK
    assert cuff.emptied is True


def test_a_blind_device_is_not_switched_before_its_regulator_is_set() -> None:
    result, cuff = switched("")
    assert result.verdict is Verdict.SKIPPED
    assert cuff.asked_mmhg is None


def test_a_blind_device_that_stays_full_is_a_failure_whatever_the_gauge_said() -> None:
    result, cuff = switched("yes", "60", "no")
    assert "DISCONNECT" in result.do
    assert cuff.emptied is False


def test_a_gauge_that_shows_another_pressure_is_a_failure() -> None:
    result, _ = switched("yes", "20", "yes")
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize("typed", ["y", "Yes please", "ja", "", "no"])
def test_only_yes_is_yes(typed: str) -> None:
    assert not yes(Operator([typed]), "?")


def test_yes_may_be_shouted() -> None:
    assert yes(Operator(["YES"]), "?")


@pytest.mark.parametrize(
    ("typed", "value"), [("60", 60.0), ("59,5", 59.5), ("61 mmHg", 61.0), ("", None)]
)
def test_a_pressure_is_read_as_people_write_it(typed: str, value: float | None) -> None:
    assert number(Operator([typed]), "?") == value


@pytest.mark.parametrize("typed", ["-3", "nan", "inf", "5000", "sixty"])
def test_what_is_no_pressure_is_asked_again(typed: str) -> None:
    assert number(Operator([typed, "60"]), "?") == 60.0


class FakeDirect:
    """An armed device that says one thing."""

    report: Any = None

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "FakeDirect":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def identify(self) -> None:
        pass

    def rest(self) -> bool:
        return True

    def arm(self, *, ceiling_mmhg: float) -> str:
        return ""

    def listen(self, for_s: float, *, beat: bool, until: Callable[..., bool]) -> list[Any]:
        return [] if self.report is None else [self.report]


class Ticking:
    """A clock that goes on by looking at it."""

    now = 0.0

    def now_s(self) -> float:
        self.now += 0.5
        return self.now


def pressed(monkeypatch: pytest.MonkeyPatch, report: object, operator: Operator) -> Any:
    monkeypatch.setattr(FakeDirect, "report", report)
    monkeypatch.setattr(button, "DirectCuff", FakeDirect)
    clock: Any = Ticking()
    address: Any = None
    return button.try_button(address, clock, operator, ("d",), ceiling_mmhg=250.0)


def fault(reason: StopReason, code: str) -> FaultReport:
    return FaultReport(reason=reason, code=code, time_s=0.0, message="pressed", do="")


@pytest.mark.parametrize(
    "said",
    [
        fault(StopReason.PARTICIPANT, "device_button"),
        fault(StopReason.CUFF_FAULT, "device_emergency"),
    ],
)
def test_the_devices_own_button_counts(monkeypatch: pytest.MonkeyPatch, said: FaultReport) -> None:
    assert pressed(monkeypatch, said, Operator(keys=["x"])).verdict is Verdict.OK


def test_another_fault_is_no_stop_and_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    other = fault(StopReason.CUFF_FAULT, "device_leak")
    result = pressed(monkeypatch, other, Operator(keys=["x"] * 1000))
    assert result.verdict is Verdict.FAIL
    assert "15 s" in result.seen


def test_a_terminal_gets_single_characters_only() -> None:
    assert button.signs_of(("d", "1", "space", "left")) == {"d": "d", "1": "1", " ": "space"}

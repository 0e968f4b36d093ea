"""What DeviceHost's answers mean for the supervisor: reports made of samples and outcomes. Pure."""

from typing import Final

from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import Corrupt, Who
from hardware.drivers.devicehost_run import EMPTY_TENTHS, Run, mmhg, tenths_of
from hardware.readings import CommandReport, Identity, LinkNote, Program, Refusal, Sample
from hardware.states import CuffState

MISSED: Final = 2
"""A single sample may as well be late; from two on they are lost."""


def identity_of(who: Who, *, ceiling_mmhg: float) -> Identity:
    """Return who the device says it is, in the program's words."""
    return Identity(
        manufacturer="LabBench",
        model=who.device,
        serial_number="not told",
        firmware=who.version,
        protocol=table.PROTOCOL,
        ceiling_mmhg=ceiling_mmhg,
        lease_ms=0,  # DeviceHost keeps the device's watchdog quiet whether we live or not
        simulated="emulated" in who.version,
    )


class Samples:
    """Numbers samples and keeps their clock: they come in bunches, without a number or a time."""

    def __init__(self) -> None:
        self._count = self._ticks = 0
        self._last_s: float | None = None

    @property
    def last_s(self) -> float | None:
        """Return when the last one came."""
        return self._last_s

    def arrived(self, count: int, now_s: float, *, gap_expected: bool) -> LinkNote | None:
        """Keep the count in step with time; return a note if samples must have been lost."""
        last_s, self._last_s = self._last_s, now_s
        if last_s is None:
            return None
        gone_s = now_s - last_s
        lost = round(gone_s * 1000 / table.SAMPLE_MS) - count
        if lost < MISSED:
            return None
        self._ticks += lost
        if gap_expected:
            return None
        message = f"{lost} samples are missing after {gone_s:.2f} s; does another program ask too?"
        return LinkNote(time_s=now_s, code="samples_lost", message=message)

    def sample(
        self,
        tenths: tuple[int, int, int],
        run: Run | None,
        now_s: float,
        *,
        armed: bool,
        may_play_on: bool,
    ) -> Sample:
        """Return a sample. The second pressure is outlet 2, which no cuff is on: "empty" means both.

        ``may_play_on``: an inflation was stopped, and the device has not said yet that it plays no more.
        """
        self._count += 1
        self._ticks += 1
        return Sample(
            counter=self._count,
            device_ms=self._ticks * table.SAMPLE_MS,
            arrival_s=now_s,
            state=_state(tenths[0], run, now_s, armed=armed, may_play_on=may_play_on),
            measured_mmhg=mmhg(tenths[0]),
            second_mmhg=mmhg(tenths[1]),
            # the device does not say what it works towards: this is the program it was given
            commanded_mmhg=mmhg(run.asked_tenths(now_s)) if run is not None else 0.0,
        )


def _state(
    tenths: int, run: Run | None, now_s: float, *, armed: bool, may_play_on: bool
) -> CuffState:
    if run is not None and run.under_pressure(now_s):
        return CuffState.HOLD if run.reached else CuffState.INFLATING
    if may_play_on:
        return CuffState.INFLATING
    if tenths > EMPTY_TENTHS:
        return CuffState.VENTING
    return CuffState.ARMED if armed else CuffState.IDLE


def command_report(
    command: str,
    *,
    sent_s: float,
    acknowledged_s: float | None,
    program: Program | None = None,
    planned_s: float | None = None,
    commanded_mmhg: float | None = None,
) -> CommandReport:
    """Return evidence of a command. DeviceHost says OK and never a pressure: none is acknowledged."""
    return CommandReport(
        command=command,
        program=None if program is None else program.number,
        planned_s=planned_s,
        sent_s=sent_s,
        acknowledged_s=acknowledged_s,
        commanded_mmhg=commanded_mmhg,
        acknowledged_mmhg=None,
    )


def go_report(run: Run, program: Program) -> CommandReport:
    """Return the evidence of a start that a sample has confirmed."""
    return command_report(
        "go",
        sent_s=run.sent_s or 0.0,
        acknowledged_s=run.acknowledged_s,
        program=program,
        planned_s=program.onset_s,
        commanded_mmhg=pressure_sent(program),
    )


def end_report(
    program: Program, *, sent_s: float | None, acknowledged_s: float | None, now_s: float
) -> CommandReport:
    """Return the evidence of an end: by the program itself, seen in the samples, or by a stop."""
    return command_report(
        "end",
        sent_s=now_s if sent_s is None else sent_s,
        acknowledged_s=acknowledged_s,
        program=program,
        planned_s=program.offset_s,
    )


def pressure_sent(program: Program) -> float:
    """Return the pressure of a program as it was sent: in whole steps of the device."""
    return mmhg(tenths_of(program.target_mmhg))


def refusal(command: str, program: Program | None, time_s: float, message: str) -> Refusal:
    """Return the report of something that was not done."""
    number = None if program is None else program.number
    return Refusal(command=command, program=number, time_s=time_s, message=message)


def note(response: object, now_s: float) -> LinkNote:
    """Return the note of something that nobody waits for, or that cannot be read."""
    if isinstance(response, Corrupt):
        raw = response.raw.decode("ascii", "backslashreplace")
        return LinkNote(time_s=now_s, code="corrupt_frame", message="not an answer", raw=raw)
    return LinkNote(time_s=now_s, code="late_answer", message=str(response))

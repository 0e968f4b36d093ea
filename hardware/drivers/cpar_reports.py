"""What a CPAR's answers mean for the supervisor: reports made of outcomes. Pure."""

from collections.abc import Iterator
from typing import Final

from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Corrupt,
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    OtherMessage,
    Status,
    mmhg_from_counts,
    mmhg_from_units,
)
from hardware.codec.cpar_table import CommandMap
from hardware.drivers.cpar_dialogue import Outcome, Stray, refusal_text
from hardware.drivers.cpar_run import Loading, Run, fault
from hardware.readings import (
    CommandReport,
    CuffReport,
    Identity,
    LinkNote,
    Program,
    Refusal,
    Sample,
)
from hardware.states import CuffState, StopReason


def identity_of(who: DeviceIdentity, command_map: CommandMap, *, ceiling_mmhg: float) -> Identity:
    """Return who the device says it is, in the program's words."""
    version = ".".join(str(number) for number in who.version)
    marked = who.engineering == who.checksum == table.EMULATOR_MARK
    on_a = command_map is CommandMap.A
    return Identity(
        manufacturer=who.manufacturer_name or "Nocitech",
        model=who.device_name or "CPAR",
        serial_number=str(who.serial_number),
        firmware=f"{version}.r{who.engineering}" if who.engineering else version,
        protocol=f"CPAR/{command_map}",
        ceiling_mmhg=ceiling_mmhg,
        lease_ms=0,  # the device has a watchdog, but its time is in no source
        simulated=marked if on_a else who.manufacturer_name == "emulated",
    )


def sample_of(
    status: Status, run: Run | None, *, number: int, ticks: int, now_s: float, armed: bool
) -> Sample:
    """Return a status message as a sample; it has no number and no time of its own.

    The second pressure is outlet 2, which no cuff is on: so "empty" means both, and air that went
    the wrong way shows.
    """
    return Sample(
        counter=number,
        device_ms=ticks * table.TICK_MS,
        arrival_s=now_s,
        state=_state(status, run, armed=armed),
        measured_mmhg=mmhg_from_counts(status.actual[0]),
        second_mmhg=mmhg_from_counts(status.actual[1]),
        commanded_mmhg=mmhg_from_counts(status.target[0]),
    )


def _state(status: Status, run: Run | None, *, armed: bool) -> CuffState:
    match table.STATES[status.state]:
        case "emergency":
            return CuffState.FAULT
        case "stimulating" if status.target == (0, 0):
            return CuffState.VENTING
        case "stimulating":
            return CuffState.HOLD if run is not None and run.reached else CuffState.INFLATING
    return CuffState.ARMED if armed else CuffState.IDLE


def go_report(run: Run) -> CommandReport:
    """Return the evidence of a start that a status message has confirmed."""
    return CommandReport(
        command="go",
        program=run.program.number,
        planned_s=run.program.onset_s,
        sent_s=run.sent_s or 0.0,
        acknowledged_s=run.acknowledged_s,
        commanded_mmhg=run.program.target_mmhg,
        acknowledged_mmhg=mmhg_from_units(run.units),
    )


def loaded_report(loading: Loading, outcome: Outcome, *, ceiling_mmhg: float) -> CommandReport:
    """Return the evidence that both channels hold what was sent."""
    program = loading.program
    return CommandReport(
        command=loading.command,
        program=None if program is None else program.number,
        planned_s=None,
        sent_s=loading.sent_s or outcome.ended_s,
        acknowledged_s=outcome.ended_s,
        # the device takes no ceiling: that one is kept by us
        commanded_mmhg=ceiling_mmhg if program is None else program.target_mmhg,
        acknowledged_mmhg=None if program is None else mmhg_from_units(loading.units),
    )


def stop_report(outcome: Outcome, *, running: bool) -> CommandReport | Refusal:
    """Return how a stop ended: a device that is idle may refuse it, which is no failure."""
    command = "vent" if outcome.tag is None else "end"
    taken = isinstance(outcome.answer, Done)
    if not taken and (running or outcome.answer is None):
        return Refusal(
            command=command,
            program=outcome.tag,
            time_s=outcome.ended_s,
            message=refusal_text(outcome),
        )
    return CommandReport(
        command=command,
        program=outcome.tag,
        planned_s=outcome.planned_s,
        sent_s=outcome.sent_s or outcome.ended_s,
        acknowledged_s=outcome.ended_s if taken else None,
        commanded_mmhg=None,
        acknowledged_mmhg=None,
    )


def refusal(command: str, program: Program | None, time_s: float, message: str) -> Refusal:
    """Return the report of something that was not done."""
    number = None if program is None else program.number
    return Refusal(command=command, program=number, time_s=time_s, message=message)


def note(event: object, command_map: CommandMap, now_s: float) -> LinkNote:
    """Return the note of something that was said unasked, or damaged."""
    match event:
        case Corrupt(raw):
            return LinkNote(
                time_s=now_s, code="corrupt_frame", message="damaged bytes", raw=raw.hex(" ")
            )
        case DeviceEvent(number):
            name = table.EVENTS[command_map][number]
            return LinkNote(time_s=now_s, code="device_event", message=name)
        case OtherMessage(code, data):
            return LinkNote(
                time_s=now_s, code="device_message", message=f"code {code:#x}", raw=data.hex(" ")
            )
        case Stray(answer):
            return LinkNote(time_s=now_s, code="late_answer", message=type(answer).__name__)
    return LinkNote(time_s=now_s, code="unknown_message", message=str(event))


KICKS: Final = 2
"""After so many failed kicks the supervisor stops kicking, so that the device's watchdog can act."""


class Kicks:
    """Judges the answers to kicks: the only proof that the device is more than a repeated message."""

    def __init__(self) -> None:
        self._failed = 0
        self._count: int | None = None

    def take(self, outcome: Outcome) -> Iterator[CuffReport]:
        """Yield what the end of a kick shows."""
        now_s, answer = outcome.ended_s, outcome.answer
        if not isinstance(answer, Counter):
            self._failed += 1
            text = refusal_text(outcome)
            yield LinkNote(time_s=now_s, code="kick_failed", message=text)
            if self._failed == KICKS:
                yield fault(
                    "device_silent",
                    f"{KICKS} kicks failed: {text}",
                    now_s,
                    reason=StopReason.CUFF_LINK_LOST,
                )
            return
        last, self._count, self._failed = self._count, answer.count, 0
        if last is None or 0 < (answer.count - last) % 2**32 < 2**31:
            return
        if answer.count == last:  # only an answer that changes is a sign of life
            message = "the CPAR repeats itself: its counter stands still"
            yield fault("device_frozen", message, now_s, reason=StopReason.CUFF_LINK_LOST)
        else:
            yield fault("device_restarted", "the CPAR has restarted: its counter fell", now_s)

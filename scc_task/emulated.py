"""Emulated machines and people behind the engine's ports, and the processes that serve them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hardware.clock import Clock
from hardware.errors import HardwareUnavailable
from hardware.sim.avr import require
from hardware.sim.participant import EmulatedParticipant
from hardware.sim.scanner import EmulatedPulses, PulseTrain
from scc_task.documents import Document, Note, Offered, Planned, Requested, Samples, StepBegan
from scc_task.plan.steps import DummyKind, Plan, StepKind, step_from_dict
from scc_task.ports import KeyEvent, KeySource
from scc_task.protocol.rig import CuffRig

PROGRAM: Final = Path(__file__).parents[1] / "run_task.py"
SCAN_DELAY_S: Final = 2.0
"""How long after the waiting screen the emulated scanner starts."""


def is_waiting(document: Document) -> bool:
    """Return whether the engine has just begun to wait for the scanner."""
    return isinstance(document, Note) and document.code == "waiting"


def pulse_count(plan: Plan) -> int:
    """Return how many pulses the scanner of a plan sends."""
    sent = plan.scanner.dummy_kind is DummyKind.DISCARDED
    return plan.scanner.volumes + (plan.scanner.dummies if sent else 0)


def silent_dummies(plan: Plan) -> int:
    """Return how many dummies the scanner makes without a pulse."""
    return plan.scanner.dummies if plan.scanner.dummy_kind is DummyKind.SILENT else 0


class EmulatedAnswers:
    """A participant who feels the measured pressure and answers with key presses.

    Subscribe `observe`; the engine polls the rest like any keyboard.
    """

    def __init__(self, participant: EmulatedParticipant, plan: Plan, clock: Clock) -> None:
        self._participant, self._plan, self._clock = participant, plan, clock
        self._steps = {step.number: step for step in plan.steps}

    def observe(self, document: Document) -> None:
        """See the screen and feel the cuff."""
        if isinstance(document, Samples):
            for measured_mmhg, time_s in zip(
                document.measured_mmhg, document.arrival_s, strict=True
            ):
                self._participant.feel(measured_mmhg, time_s)
        elif isinstance(document, Note) and document.code == "grip":
            self._participant.hold_grip(document.time_s + 1.0)
        elif isinstance(document, Planned):
            self._steps |= {step.number: step for step in map(step_from_dict, document.steps)}
        elif isinstance(document, StepBegan):
            step = self._steps[document.number]
            if step.kind is StepKind.INFLATE:
                self._participant.stimulus_begins()
            if step.scale is None:
                return
            scale = self._plan.scale(step.scale)
            if step.kind is StepKind.INFLATE:
                self._participant.see_scale_meanwhile(
                    shown_s=document.flip_s,
                    start=self._plan.marker_start(step),
                    slot_s=step.duration_s,
                    lowest=scale.lowest,
                    highest=scale.highest,
                )
            else:
                self._participant.see_scale(
                    shown_s=document.flip_s,
                    start=scale.start,
                    slot_s=step.duration_s,
                    unpleasantness=step.scale == "unpleasantness",
                    lowest=scale.lowest,
                    highest=scale.highest,
                )

    def poll(self) -> Sequence[KeyEvent]:
        """Return the presses up to now."""
        presses = self._participant.presses(self._clock.now_s())
        return [KeyEvent(p.time_s, p.key, p.down) for p in presses]

    def next_due_s(self) -> float | None:
        """Return when the next press comes."""
        return self._participant.next_due_s()

    def close(self) -> None:
        """Nothing to release."""


class EmulatedOperator:
    """Says yes, a second after it was asked. Subscribe `observe`."""

    THINKS_S: Final = 1.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_s: float | None = None

    def observe(self, document: Document) -> None:
        """Hear a question."""
        if isinstance(document, Offered) or (
            isinstance(document, Requested) and document.needs_yes
        ):
            self._due_s = self._clock.now_s() + self.THINKS_S

    def poll(self) -> Sequence[KeyEvent]:
        """Return the answer, once it is due."""
        due_s = self._due_s
        if due_s is None or self._clock.now_s() < due_s:
            return ()
        self._due_s = None
        return (KeyEvent(due_s, "y", True), KeyEvent(due_s + 0.1, "y", False))

    def next_due_s(self) -> float | None:
        """Return when the answer comes."""
        return self._due_s

    def close(self) -> None:
        """Nothing to release."""


class BothKeys:
    """Two key sources as one: an emulated participant and whoever sits at the keyboard."""

    def __init__(self, *sources: KeySource) -> None:
        self._sources = sources

    def poll(self) -> Sequence[KeyEvent]:
        """Return the events of all, oldest first."""
        events = [event for source in self._sources for event in source.poll()]
        return sorted(events, key=lambda event: event.time_s)

    def next_due_s(self) -> float | None:
        """Return when the next event is known to come."""
        due = [source.next_due_s() for source in self._sources]
        return min((due_s for due_s in due if due_s is not None), default=None)

    def close(self) -> None:
        """Release all."""
        for source in self._sources:
            source.close()


class VirtualPulses:
    """The emulated scanner on the run's own clock. Subscribe `observe`: it starts when the task waits."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._plan, self._clock = plan, clock
        self._pulses = EmulatedPulses()

    def observe(self, document: Document) -> None:
        """Start scanning when the task is ready."""
        if is_waiting(document):
            self._pulses.begin(
                PulseTrain(
                    # long enough that nobody could take the scanner for one that was running already
                    start_s=self._clock.now_s() + max(SCAN_DELAY_S, 2 * self._plan.scanner.tr_s),
                    tr_s=self._plan.scanner.tr_s,
                    count=pulse_count(self._plan),
                    silent=silent_dummies(self._plan),
                )
            )

    def poll(self) -> Sequence[float]:
        """Return the times of the pulses up to now."""
        return self._pulses.until(self._clock.now_s())

    def next_due_s(self) -> float | None:
        """Return when the next pulse comes."""
        return self._pulses.next_due_s()

    def problem(self) -> str | None:
        """Return ``None``: this one cannot be unplugged."""
        return None

    def close(self) -> None:
        """Nothing to release."""


def emulator_of(cuff: CuffRig) -> tuple[str, ...]:
    """Return what follows ``run_task.py emulate`` for the emulated cuff of a rig.

    Raises
    ------
    HardwareUnavailable
        If the rig names a firmware and it, or the chip's simulator, is not there.
    """
    if cuff.binary is None:
        return (cuff.driver,)
    binary = firmware_of(cuff)
    require(binary)
    return (cuff.driver, "--binary", str(binary))


def firmware_of(cuff: CuffRig) -> Path:
    """Return the firmware that a rig names; a relative path begins at the program's folder."""
    return PROGRAM.parent / str(cuff.binary)


class EmulatorProcess:
    """An emulated device in a process of its own, behind a real port.

    Ends by itself when this process ends, however that happens: its standard input is our pipe.

    Parameters
    ----------
    arguments
        What follows ``run_task.py emulate``.

    Raises
    ------
    HardwareUnavailable
        If it does not come up.
    """

    END_S: Final = 15.0

    def __init__(self, *arguments: str) -> None:
        group = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}  # Ctrl-C is for the task, not for the device
        )
        self._process = subprocess.Popen(  # noqa: S603  our own program with our own arguments
            [sys.executable, str(PROGRAM), "emulate", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **group,
        )
        assert self._process.stdout is not None  # noqa: S101  asked for a pipe above
        words = self._process.stdout.readline().split(maxsplit=1)
        if len(words) != 2 or words[0] != "ready":
            self.close()
            raise HardwareUnavailable(
                f"the emulated {arguments[0]} did not start",
                where="run_task.py emulate " + " ".join(arguments),
                do="run this command by itself to see why",
            )
        self.port: str = words[1].strip()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def start(self) -> None:
        """Press the scanner's start button."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.write("start\n")
            self._process.stdin.flush()

    def observe(self, document: Document) -> None:
        """Start scanning when the task is ready (for the scanner)."""
        if is_waiting(document):
            self.start()

    def close(self) -> None:
        """Let it end; it lingers until its cuff is empty."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(self.END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

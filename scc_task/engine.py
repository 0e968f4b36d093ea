"""The engine: carries a plan out on any clock, publishes what happens, vents first on every exit.

Deadlines are absolute: time zero plus the planned onset, never a sum of waits. A late step is
recorded as late; nothing after it moves. The engine knows only the ports of `scc_task.ports`.
"""

import contextlib
import dataclasses
import math
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hardware.clock import Clock
from hardware.readings import Program
from hardware.states import StopReason
from scc_task.asking import Asking
from scc_task.documents import Note, Planned, StepBegan, StepMissed, Stop, Subscriber
from scc_task.errors import RecordingLost
from scc_task.intake import Intake, Stopped
from scc_task.live_text import LiveText
from scc_task.plan.steps import Plan, Step, StepKind
from scc_task.ports import Course, CuffPort, KeySource, PulseSource, Screen
from scc_task.rating import MarkerMotion
from scc_task.responses import KeyMap

HAND_OVER_S: Final = 4.0
"""How long before its onset an inflation is handed to the supervisor; the shortest cue lasts 6 s."""
ARM_S: Final = 16.0
"""A device may test itself before it says that it is armed. The reference gives up after 15.2 s."""
LATE_S: Final = 0.020
"""A step later than this is noted (a frame of a 60-Hz display is 0.0167 s)."""
CUFF_REASONS: Final = (
    StopReason.CUFF_FAULT,
    StopReason.CUFF_LINK_LOST,
    StopReason.SUPERVISOR_LOST,
    StopReason.TASK_SILENT,
)
VENT_WAIT_S: Final = 11.0
"""Longer than the interlock's own limit of 10 s, so that its verdict arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How closely the engine looks at the world. ``draw_ahead_s``: drawing begins so long before a flip.

    A virtual clock looks less often, because every press, pulse and sample carries its own time.
    """

    tick_s: float
    rating_tick_s: float
    draw_ahead_s: float


REAL_PACE: Final = Pace(tick_s=0.005, rating_tick_s=0.008, draw_ahead_s=0.03)
VIRTUAL_PACE: Final = Pace(tick_s=0.1, rating_tick_s=0.04, draw_ahead_s=0.0)


class Engine:
    """One run.

    Parameters
    ----------
    cuff
        ``None`` for a plan without inflations.
    pulses
        ``None`` where the scanner types (its key is in ``keys``).
    publish
        Takes every document.
    at_step
        Called after each step's onset: the moment for a recorder to sync.
    recording_failed
        Returns why the journal cannot be written, if that is so: the run then ends.
    course
        Gives the steps that follow the plan's own, one batch after the other.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        clock: Clock,
        screen: Screen,
        cuff: CuffPort | None,
        pulses: PulseSource | None,
        keys: KeySource,
        key_map: KeyMap,
        motion: MarkerMotion,
        publish: Subscriber,
        at_step: Callable[[], None],
        recording_failed: Callable[[], Exception | None],
        pace: Pace,
        course: Course | None = None,
    ) -> None:
        self._course, self._end_ms = course, plan.length_ms
        self._plan, self._clock, self._screen, self._cuff = plan, clock, screen, cuff
        self._publish, self._at_step, self._pace = publish, at_step, pace
        self._intake = Intake(
            clock=clock,
            screen=screen,
            cuff=cuff,
            pulses=pulses,
            keys=keys,
            key_map=key_map,
            scanner=plan.scanner,
            publish=publish,
            recording_failed=recording_failed,
        )
        self._asking = Asking(
            plan,
            motion,
            screen=screen,
            publish=publish,
            note=self._intake.note,
            look_at_keys=self._intake.look_at_keys,
        )
        self._intake.hands.answer = self._asking.answer
        if course is not None:
            course.attend(self._intake.request)
        self._live = LiveText(plan, screen=screen, scanner=self._intake.scanner)
        self._inflations = deque(plan.inflations)

    def request_stop(self, reason: StopReason, detail: str) -> None:
        """Ask for a stop from a signal handler; the loop obeys within a tick."""
        self._intake.request(reason, detail)

    def run(self) -> Stop:
        """Carry the plan out and return the stop document, which has been published last."""
        error: BaseException | None = None
        try:
            self._intake.scanner.listen(self._clock.now_s())
            self._wait_for_grip()
            self._arm()
            self._wait_for_time_zero()
            self._intake.hands.guard(self._clock.now_s())
            self._carry_out()
            reason, detail = StopReason.COMPLETED, "the plan was carried out to its end"
        except Stopped as stopped:
            self._vent()
            reason, detail = stopped.reason, stopped.detail
        except BaseException as caught:  # noqa: BLE001  whatever it is, the cuff is vented first
            self._vent()
            reason, detail = _reason_of(caught)
            error = caught if reason is StopReason.PROGRAM_ERROR else None
        else:
            self._vent()
        return self._finish(reason, detail, error)

    # -- before time zero

    def _arm(self) -> None:
        """Arm the cuff before the scanner starts: what is wrong with it shows now."""
        if self._cuff is None or not (self._inflations or self._course):
            return
        self._cuff.beat()
        self._cuff.arm()
        deadline_s = self._clock.now_s() + ARM_S
        while not self._intake.armed:
            self._intake.look()
            if self._clock.now_s() > deadline_s:
                raise Stopped(StopReason.CUFF_FAULT, "the cuff did not say that it is armed")
            self._clock.sleep_until(self._clock.now_s() + self._pace.tick_s)

    def _wait_for_grip(self) -> None:
        """Wait until the participant holds on, where the rig has something to hold."""
        if self._intake.hands.gripped:
            return
        self._show_message("hold_grip")
        now_s = self._clock.now_s()
        message = "waiting for the participant to take the grip (who holds it lets go once)"
        self._publish(Note(time_s=now_s, code="grip", message=message))
        while not self._intake.hands.gripped and self._intake.time_zero is None:
            self._intake.look()
            self._sleep(self._clock.now_s() + self._pace.tick_s)

    def _wait_for_time_zero(self) -> None:
        if not self._plan.scanner.volumes:  # nobody scans
            self._wait_for_grip()
            self._intake.begin_now()
            return
        self._screen.draw_message("wait_for_scanner")
        self._screen.flip()
        now_s = self._clock.now_s()
        if (zero := self._intake.time_zero) is not None:
            message = (
                f"the scanner began {now_s - zero.time_s:.1f} s before the run was ready for it"
            )
            self._intake.note("scan_before_ready", message, now_s)
        self._publish(Note(time_s=now_s, code="waiting", message="waiting for the scanner"))
        while True:
            self._intake.look()
            if self._intake.time_zero is not None:
                return
            if not self._intake.hands.gripped:  # let go before the scan: nothing is inflated yet
                self._wait_for_grip()
                self._show_message("wait_for_scanner")
            self._sleep(self._clock.now_s() + self._pace.tick_s)

    # -- the plan

    def _carry_out(self) -> None:
        zero = self._intake.time_zero
        assert zero is not None  # noqa: S101  _wait_for_time_zero has just seen it
        steps = deque(self._plan.steps)
        while True:
            self._intake.look()
            now_s = self._clock.now_s()
            self._hand_over(zero.time_s, now_s)
            ahead_s = self._pace.draw_ahead_s if steps else 0.0
            due_s = zero.time_s + (steps[0].onset_s if steps else self._end_ms / 1000)
            if now_s >= due_s - ahead_s:
                if steps:
                    self._begin(steps.popleft(), due_s)
                    continue
                self._asking.end(now_s)
                more = self._more(now_s - zero.time_s)
                if more is None:
                    return
                steps.extend(more)
                if more:
                    continue
                due_s = now_s + self._pace.tick_s
            self._asking.refresh(now_s)
            self._live.refresh()
            tick_s = self._pace.rating_tick_s if self._asking.busy else self._pace.tick_s
            self._sleep(min(due_s - ahead_s, now_s + tick_s))

    def _more(self, now_s: float) -> Sequence[Step] | None:
        """Let the course go on; ``now_s`` counts from time zero."""
        if self._course is None:
            return None
        more = self._course.more(max(self._end_ms, math.ceil(now_s * 1000)))
        if more:
            self._publish(
                Planned(
                    time_s=self._clock.now_s(), steps=tuple(dataclasses.asdict(s) for s in more)
                )
            )
            self._inflations.extend(s for s in more if s.kind is StepKind.INFLATE)
            self._end_ms = more[-1].end_ms
        return more

    def _begin(self, step: Step, due_s: float) -> None:
        now_s = self._clock.now_s()
        if now_s >= due_s + step.duration_s:
            self._publish(StepMissed(number=step.number, planned_s=due_s, time_s=now_s))
            self._intake.note("step_missed", f"step {step.number} ({step.kind}) was missed", now_s)
            return
        self._screen.draw_step(step)
        # a display with frames shows the picture on the frame nearest to the plan
        self._await_flip(due_s - self._screen.frame_s / 2)
        flip_s = self._screen.flip()
        self._asking.end(flip_s)
        self._live.begin(step)
        self._publish(
            StepBegan(
                number=step.number,
                kind=step.kind,
                trial=step.trial,
                trial_type=step.trial_type,
                planned_s=due_s,
                flip_s=flip_s,
            )
        )
        if flip_s - due_s > LATE_S:
            late_ms = (flip_s - due_s) * 1000
            message = f"step {step.number} ({step.kind}) came {late_ms:.0f} ms late"
            self._intake.note("late", message, flip_s)
        if step.scale is not None:
            self._asking.begin(step, step.scale, flip_s)
        self._at_step()

    def _await_flip(self, flip_s: float) -> None:
        """Wait for the moment of a flip, still listening: nobody who wants to stop waits for a picture."""
        while (now_s := self._clock.now_s()) < flip_s:
            self._intake.look_at_keys()
            if self._intake.requested is not None:
                raise self._intake.requested
            self._clock.sleep_until(min(flip_s, now_s + self._pace.tick_s))

    def _hand_over(self, zero_s: float, now_s: float) -> None:
        """Give the supervisor the next inflation well before it is due."""
        if self._cuff is None or not self._inflations:
            return
        step = self._inflations[0]
        onset_s = zero_s + step.onset_s
        if now_s >= onset_s - HAND_OVER_S:
            self._inflations.popleft()
            assert step.target_mmhg is not None  # noqa: S101  the compiler gives it to each inflation
            self._cuff.load(
                Program(
                    number=step.number,
                    onset_s=onset_s,
                    offset_s=onset_s + step.duration_s,
                    target_mmhg=step.target_mmhg,
                    rise_s=step.rise_ms / 1000,
                )
            )

    def _sleep(self, wake_s: float) -> None:
        due_s = self._intake.next_due_s()
        self._clock.sleep_until(wake_s if due_s is None else min(wake_s, due_s))

    # -- the end

    def _vent(self) -> None:
        if self._cuff is not None:
            self._cuff.vent()

    def _finish(self, reason: StopReason, detail: str, error: BaseException | None) -> Stop:
        """Record the rest, wait until the cuff is empty, publish the stop. Nothing here may raise."""
        end_s = self._clock.now_s()
        with contextlib.suppress(Exception):
            self._asking.end(end_s)
        self._show_message("run_ended" if reason is StopReason.COMPLETED else "run_stopped")
        before = self._intake.requested
        confirmed = self._wait_for_empty(end_s)
        after = self._intake.requested
        if reason is StopReason.COMPLETED:
            # a run that leaves pressure behind is not a completed run; a late Ctrl-C changes nothing
            if after is not None and after is not before and after.reason in CUFF_REASONS:
                reason, detail = after.reason, after.detail
            elif confirmed is False:
                reason, detail = StopReason.CUFF_FAULT, "the cuff was not shown to be empty"
        if error is not None:
            text = "".join(traceback.format_exception(error))
            with contextlib.suppress(Exception):
                self._publish(Note(time_s=end_s, code="traceback", message=text))
        if self._course is not None and reason is not StopReason.COMPLETED:
            with contextlib.suppress(Exception):
                self._course.interrupted(reason)
        with contextlib.suppress(Exception):
            if reason is StopReason.COMPLETED and self._plan.scanner.count_to_end:
                self._count_to_the_end()
            self._intake.scanner.sum_up(self._clock.now_s())
        stop = Stop(
            reason=reason,
            detail=detail,
            end_s=end_s,
            time_s=self._clock.now_s(),
            vent_confirmed=confirmed,
            notes=tuple(self._intake.notes),
        )
        with contextlib.suppress(Exception):
            self._intake.hands.settle(math.inf)
            block = self._intake.last_samples()
            if block is not None:
                self._publish(block)
            self._publish(stop)
        return stop

    def _wait_for_empty(self, asked_s: float) -> bool | None:
        """Return whether falling pressure confirmed the vent; ``None`` without a cuff."""
        if self._cuff is None:
            return None
        # counted from now: a screen that died may have held up the last words
        intake, deadline_s, warned = self._intake, self._clock.now_s() + VENT_WAIT_S, False
        while self._clock.now_s() < deadline_s and not (warned and intake.asked_again):
            with contextlib.suppress(Exception):
                intake.look_at_cuff()
                intake.look_at_pulses()
                intake.look_at_keys()
            if intake.not_empty and not warned:
                warned, intake.asked_again = True, False  # whoever has read it may end the wait
                self._show_message("cuff_not_empty")
            if intake.vented is not None and intake.vented.time_s >= asked_s:
                return intake.vented.confirmed
            self._clock.sleep_until(self._clock.now_s() + self._pace.tick_s)
        return False

    def _count_to_the_end(self) -> None:
        """Listen until the scanner is silent: only the total shows that the first pulse was the first."""
        intake, before, warned = self._intake, self._intake.requested, self._intake.asked_again
        now_s = self._clock.now_s()
        deadline_s = intake.scanner.last_due_s(now_s)
        while not intake.scanner.over(now_s) and now_s < deadline_s:
            intake.look_at_cuff()
            intake.look_at_pulses()
            intake.look_at_keys()
            if intake.requested is not before or intake.asked_again != warned:
                return  # somebody has waited long enough
            self._sleep(now_s + self._pace.tick_s)
            now_s = self._clock.now_s()

    def _show_message(self, key: str) -> None:
        """Show a text of the program's own, if the screen still shows anything."""
        with contextlib.suppress(Exception):
            self._screen.draw_message(key)
            self._screen.flip()


def _reason_of(error: BaseException) -> tuple[StopReason, str]:
    if isinstance(error, RecordingLost):
        return StopReason.RECORDING_LOST, error.what
    if isinstance(error, KeyboardInterrupt):
        return StopReason.INTERRUPTED, "Ctrl-C"
    return StopReason.PROGRAM_ERROR, f"{type(error).__name__}: {error}"

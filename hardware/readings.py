"""What a cuff reports: samples, evidence of commands, faults. Frozen, host-clock times in seconds."""

from dataclasses import dataclass, field

from hardware.states import CuffState, StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is at the other end of the wire."""

    manufacturer: str
    model: str
    serial_number: str
    firmware: str
    protocol: str
    ceiling_mmhg: float
    lease_ms: int
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One pressure sample.

    ``measured_mmhg`` is the device's first sensor, ``second_mmhg`` its second one (``None`` where a
    device has only one), ``commanded_mmhg`` the target the device says it is working towards.
    """

    counter: int
    device_ms: int
    arrival_s: float
    state: CuffState
    measured_mmhg: float
    second_mmhg: float | None
    commanded_mmhg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One finite inflation, handed over before it is due.

    ``onset_s`` and ``offset_s`` are host-clock times of the command to inflate and to vent. The
    pressure rises in a line from 0 at the onset to the target ``rise_s`` later; 0: as fast as it goes.
    """

    number: int
    onset_s: float
    offset_s: float
    target_mmhg: float
    rise_s: float = 0.0

    def asked_mmhg(self, now_s: float) -> float:
        """Return what is asked for at a time between onset and offset."""
        if self.rise_s <= 0.0 or now_s >= self.onset_s + self.rise_s:
            return self.target_mmhg
        return self.target_mmhg * max(0.0, now_s - self.onset_s) / self.rise_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReport:
    """Evidence of one command: when it was planned, put on the wire, and taken by the device.

    ``acknowledged_mmhg`` is what the device says it will do; ``None`` for commands without a pressure.
    """

    command: str
    program: int | None
    planned_s: float | None
    sent_s: float
    acknowledged_s: float | None
    commanded_mmhg: float | None
    acknowledged_mmhg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A command that was not carried out, and why."""

    command: str
    program: int | None
    time_s: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """Something that made the supervisor vent."""

    reason: StopReason
    code: str
    time_s: float
    message: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VentReport:
    """The end of a venting: how low the pressure was when it was judged empty, or that it is not.

    ``confirmed`` is ``None`` on a device that measures no pressure: nobody knows.
    """

    started_s: float
    time_s: float
    confirmed: bool | None
    residual_mmhg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNote:
    """Loss or noise on the wire: corrupt frames, lost samples, a device that restarted."""

    time_s: float
    code: str
    message: str
    raw: str = field(default="")


CuffReport = Sample | CommandReport | Refusal | FaultReport | VentReport | LinkNote

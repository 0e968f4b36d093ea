"""Type CUFF/1 at a controller on the bench: ``tools/cuff1_bench.py PORT``. For the checklist, on nobody.

What is typed is framed and sent as it is; the device alone judges it. There is no supervisor and no
interlock, on purpose: what the device does by itself is what is looked at. Whatever ends this vents.
"""

import contextlib
import io
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hardware.clock import RealClock  # noqa: E402  the path comes first
from hardware.codec import cuff1  # noqa: E402
from hardware.codec import cuff1_table as table  # noqa: E402
from hardware.errors import HardwareUnavailable, LinkLost  # noqa: E402
from hardware.transport import SerialTransport, Transport  # noqa: E402

HELP = """A command of docs/cuff1.md (GO 600 60000 3000: 60 mmHg for 60 s, in 3 s), or
  !            vent              (an empty line)  how it is now
  heart off    no heartbeats     heart on         again
  quit         vent, and end"""


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201  a command


def named(names: Mapping[int, str], number: int) -> str:
    """Return the name of a number; a newer firmware may have more of them than we know."""
    return names.get(number, f"number {number}, which this program does not know")


REASONS = dict(enumerate(table.NAK_NAMES, start=1))
EVENT_VALUES = {
    "boot": dict(enumerate(table.RESETS)),
    "fault": dict(enumerate(table.FAULTS)),
    "selftest": dict(enumerate(table.SELFTEST_NAMES)),
}


def shown(reply: cuff1.Reply) -> str:
    """Return a reply in words."""
    match reply:
        case cuff1.Ack():
            return f"  taken: {reply.value}, {table.STATES[reply.state]}"
        case cuff1.Nak():
            return f"  refused: {named(REASONS, reply.reason)}, {table.STATES[reply.state]}"
        case cuff1.Status():
            return (
                f"  {reply.device_ms} ms: {table.STATES[reply.state]}, {table.FAULTS[reply.fault]},"
                f" {reply.first_tenths / 10} and {reply.second_tenths / 10} mmHg,"
                f" heartbeat {reply.heartbeat_age_ms} ms ago, flags {reply.flags}"
            )
        case cuff1.DeviceEvent():
            event = table.EVENTS.get(reply.event)
            what = f"{event} {named(EVENT_VALUES[event], reply.value)}" if event else str(reply)
            return f"  {reply.device_ms} ms: {what}"
        case _:
            return f"  {reply}"


class Bench:
    """A wire, a heart, and what was said last."""

    def __init__(self, wire: Transport) -> None:
        self._wire, self._clock = wire, RealClock()
        self._decoder = cuff1.ReplyDecoder()
        self._sequence = self._beat = 0
        self._beaten_s = 0.0
        self._heart, self._asked, self._last = True, True, (-1, -1)
        self.send(f"STREAM {table.STREAM_HZ}")

    def send(self, words: str) -> None:
        """Frame what was typed and send it."""
        self._sequence = self._sequence % 255 + 1
        self._wire.write(cuff1.frame(f"{self._sequence} {words}".encode("ascii", "replace")))

    def obey(self, line: str) -> None:
        """Do what a line says."""
        if line in ("heart on", "heart off"):
            self._heart = line == "heart on"
        elif line == "!":
            self._wire.write(table.VENT_BYTE)
        elif line:
            self.send(line)
        else:
            self._asked = True

    def turn(self) -> None:
        """Beat if it is time, and show what came: a status only when asked for, or when it is news."""
        now_s = self._clock.now_s()
        if self._heart and now_s - self._beaten_s >= table.HEARTBEAT_MS / 1000:
            self._beat, self._beaten_s = (self._beat + 1) % 256, now_s
            self._wire.write(cuff1.encode_command(0, "HB", self._beat))
        self._decoder.receive(self._wire.read(wait_s=0.01))
        for reply in self._decoder.replies():
            if isinstance(reply, cuff1.Status):
                now = (reply.state, reply.fault)
                if now == self._last and not self._asked:
                    continue
                self._last, self._asked = now, False
            say(shown(reply))
            if isinstance(reply, cuff1.DeviceEvent) and table.EVENTS.get(reply.event) == "boot":
                self.send(f"STREAM {table.STREAM_HZ}")  # after a boot it says nothing unasked


def type_at(wire: Transport) -> None:
    """Take lines until ``quit`` or the end of the input, and vent."""
    lines: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        try:
            with contextlib.suppress(OSError):  # a terminal that is gone
                for line in sys.stdin:
                    lines.put(line.strip())
        finally:
            lines.put("quit")  # a tool that hears nobody any more must not keep a heart beating

    threading.Thread(target=listen, daemon=True).start()
    try:
        bench = Bench(wire)
        while True:
            bench.turn()
            if not lines.empty():
                line = lines.get()
                if line == "quit":
                    return
                bench.obey(line)
    finally:
        wire.write(table.VENT_BYTE)


def agreed() -> bool:
    """Return whether the cuff is on nobody."""
    question = "The cuff is round a rigid cylinder, ON NOBODY, and somebody stands at the coupling?"
    try:
        say(f"{question} Type yes:")
        return sys.stdin.readline().strip() == "yes"
    except KeyboardInterrupt:
        return False


def main() -> int:
    """Ask whether the cuff is on nobody, and open the port."""
    if len(sys.argv) != 2:
        print("usage: cuff1_bench.py PORT", file=sys.stderr)  # noqa: T201
        return 2
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # no letter, typed or shown, may end it
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows lacks one
        if number := getattr(signal, name, None):  # also where whoever started us ignores it
            signal.signal(number, signal.default_int_handler)
    if not agreed():
        say("Nothing was opened.")
        return 1
    try:
        wire = SerialTransport(sys.argv[1], baud=table.BAUD)
    except HardwareUnavailable as exc:
        print(exc, file=sys.stderr)  # noqa: T201
        return 4
    try:
        say(HELP)
        type_at(wire)
    except KeyboardInterrupt:
        say("Stopped; the vent byte is sent.")
    except LinkLost as exc:
        print(exc, file=sys.stderr)  # noqa: T201
        return 4
    finally:
        wire.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

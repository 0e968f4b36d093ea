"""Markers and pressure over LSL: real outlets in one process, real inlets in another."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hardware.clock import VirtualClock
from hardware.errors import HardwareUnavailable
from hardware.markers import streams as module
from hardware.markers.streams import LslStreams

ROOT = Path(__file__).parents[2]
LISTENER = ROOT / "benchmarks" / "lsl_listener.py"
QUIET = """[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
[lab]
KnownPeers = {127.0.0.1}
[log]
level = -2
"""
SENDER = """
import sys
from hardware.clock import RealClock, now_s
from hardware.markers.streams import LslStreams
streams = LslStreams(sys.argv[1], RealClock(), samples_hz=50.0, device={"model": "test"})
print("open", flush=True)
sys.stdin.readline()
begun_s = now_s()
for n in range(300):
    streams.pressure(float(n), 120.0, begun_s + n / 50)
for n, word in enumerate(("cue", "inflate", "vent")):
    streams.send(word, begun_s - n, n)
sent = []
while len(sent) < 3:
    sent += streams.taken()
print(begun_s, [one.tag for one in sent], streams.problem(), flush=True)
sys.stdin.readline()
streams.close()
"""


def talking(folder: Path, *command: str) -> subprocess.Popen[str]:
    config = folder / "lsl_api.cfg"
    config.write_text(QUIET)
    return subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"LSLAPICFG": str(config), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )


def test_another_process_gets_every_marker_and_every_sample_with_the_senders_instant(
    tmp_path: Path,
) -> None:
    room, out = f"test-{tmp_path.name}", tmp_path / "heard.jsonl"
    with talking(tmp_path, "-c", SENDER, room) as sender:
        assert sender.stdin
        assert sender.stdout
        assert sender.stdout.readline() == "open\n"
        with talking(tmp_path, str(LISTENER), room, str(out)) as listener:
            assert listener.stdin
            assert listener.stdout
            assert listener.stdout.readline() == "ready mmHg 50.0\n"
            sender.stdin.write("go\n")
            sender.stdin.flush()
            begun, _, rest = sender.stdout.readline().partition(" ")
            assert rest == "[0, 1, 2] None\n"
            listener.stdin.close()
            listener.wait(timeout=300)
        sender.stdin.write("end\n")
        sender.stdin.flush()
        sender.wait(timeout=300)
    *lines, last = map(json.loads, out.read_text().splitlines())
    heard = {s: [x for x in lines if x["stream"] == s] for s in ("markers", "cuff")}
    assert [x["value"] for x in heard["markers"]] == [["cue"], ["inflate"], ["vent"]]
    assert [x["value"] for x in heard["cuff"]] == [[float(n), 120.0] for n in range(300)]
    # one computer, one clock: the stamps are the instants that were given, whenever they were pushed
    assert abs(last["offsets_s"]["markers"]) < 0.005
    for n, line in enumerate(heard["markers"]):
        assert line["stamp_s"] == pytest.approx(float(begun) - n, abs=0.005)
    for n, line in enumerate(heard["cuff"]):
        assert line["stamp_s"] == pytest.approx(float(begun) + n / 50, abs=0.005)


class Library:
    """LSL whose outlets fail."""

    IRREGULAR_RATE = 0.0

    def __init__(self, *, opens: bool) -> None:
        self.opens = opens

    def local_clock(self) -> float:
        return 0.0

    def StreamInfo(self, *_: object) -> None:  # noqa: N802  pylsl's name
        return None

    def StreamOutlet(self, info: object) -> "Library":  # noqa: N802
        if not self.opens:
            raise RuntimeError("no network")
        return self

    def push_sample(self, values: object, stamp_s: float) -> None:
        raise RuntimeError("outlet gone")


def test_an_outlet_that_fails_is_a_problem_and_no_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "lsl_library", lambda: Library(opens=True))
    streams = LslStreams("room", VirtualClock(), samples_hz=0.0)
    streams.send("cue", 1.0, 7)
    streams.pressure(1.0, 2.0, 3.0)
    streams.close()
    (sent,) = streams.taken()
    assert (sent.tag, sent.written_s) == (7, None)
    assert streams.problem() == "outlet gone"


def test_an_outlet_that_cannot_be_opened_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "lsl_library", lambda: Library(opens=False))
    with pytest.raises(HardwareUnavailable) as caught:
        LslStreams("room", VirtualClock(), samples_hz=0.0)
    assert "no network" in caught.value.what
    assert "lsl: false" in caught.value.do


def test_a_device_that_measures_nothing_has_no_pressure_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "lsl_library", lambda: Library(opens=True))
    streams = LslStreams("room", VirtualClock(), samples_hz=0.0)
    facts = streams.describe()
    streams.close()
    assert facts["Markers"] == {"Name": "SCC_Markers", "SourceId": "scc-markers-room"}
    assert "Pressure" not in facts

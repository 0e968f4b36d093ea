"""A second computer's part, in a process of its own: opens both streams of a room and writes down what comes.

``benchmarks/lsl_listener.py ROOM OUT`` prints ``ready`` once both inlets are open, listens until its
standard input ends and a second longer, and leaves one JSON object a line in OUT: ``stream``, ``value``,
``stamp_s`` (the sender's stamp, on this computer's monotonic clock) and ``arrived_s``. The last line has
``offsets_s``: what LSL adds to the sender's clock.
"""

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from the checkout

from hardware.clock import now_s
from hardware.lsl_clock import lsl_clock, lsl_library

ANSWER_S = 10.0
RESOLVE_S = 120.0
"""The program whose streams it is may still be starting."""
AFTER_S = 1.0


def main() -> None:
    """Listen."""
    room, out = sys.argv[1], Path(sys.argv[2])
    lsl, ours = lsl_library(), lsl_clock()
    inlets = {}
    for stream in ("markers", "cuff"):
        found = lsl.resolve_byprop("source_id", f"scc-{stream}-{room}", 1, RESOLVE_S)
        if not found:
            sys.exit(f"no stream scc-{stream}-{room}")
        inlets[stream] = lsl.StreamInlet(found[0])
        inlets[stream].open_stream(ANSWER_S)
        inlets[stream].time_correction(ANSWER_S)
    unit = inlets["cuff"].info().desc().child("channels").child("channel").child_value("unit")
    print("ready", unit, inlets["cuff"].info().nominal_srate(), flush=True)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    end_s = None
    with out.open("w") as file:
        while end_s is None or now_s() < end_s:
            if over.is_set() and end_s is None:
                end_s = now_s() + AFTER_S
            for stream, inlet in inlets.items():
                sample, stamp_s = inlet.pull_sample(0.005 if stream == "markers" else 0.0)
                while sample is not None:
                    line = {"stream": stream, "value": list(sample), "arrived_s": now_s()}
                    line["stamp_s"] = ours.ours_s(stamp_s + inlet.time_correction(ANSWER_S))
                    file.write(json.dumps(line) + "\n")
                    sample, stamp_s = inlet.pull_sample(0.0)
        offsets = {stream: inlet.time_correction(ANSWER_S) for stream, inlet in inlets.items()}
        file.write(json.dumps({"offsets_s": offsets}) + "\n")


if __name__ == "__main__":
    main()

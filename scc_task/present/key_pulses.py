"""The keyboard as a source of pulses, alone: for who only wants to look at a scanner's trigger.

In a run the keys come in together, answers and pulses (`scc_task.intake` tells them apart).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hardware.triggers import Stamps
from scc_task.ports import KeySource
from scc_task.protocol.rig_words import plain_name

KEY_STAMPS: Final = Stamps(
    made="by psychtoolbox, as the system reports the key",
    uncertainty_ms=8.0,
    because="a USB keyboard is asked each 1 to 8 ms, by its kind (recalled)",
)


class KeyPulses:
    """Takes one key for a pulse and counts the presses of all others as strangers."""

    def __init__(self, keys: KeySource, key: str) -> None:
        self._keys, self._key = keys, plain_name(key)
        self._others: Counter[str] = Counter()

    def poll(self) -> list[float]:
        """Return the times at which the key went down since the last poll."""
        times = []
        for event in self._keys.poll():
            if event.down and plain_name(event.key) == self._key:
                times.append(event.time_s)
            elif event.down:
                self._others[f"key '{event.key}'"] += 1
        return times

    def strangers(self) -> Mapping[str, int]:
        """Return which other keys were pressed, and how often."""
        return dict(self._others)

    def problem(self) -> str | None:
        """Return ``None``: a keyboard that is pulled out is not told of."""
        return None

    def next_due_s(self) -> float | None:
        """Return ``None``: nobody knows."""
        return None

    def stamps(self) -> Stamps:
        """Return that psychtoolbox stamps, and that keyboards take their time."""
        return KEY_STAMPS

    def close(self) -> None:
        """Leave the keyboard."""
        self._keys.close()

"""The reference controller as it is built: its binary on a simulated chip, behind the emulators' interface.

Bytes in, bytes out, time passed in, as `hardware.sim.reference`; but what decides is the firmware. A
fault script troubles its air through the `Plant` that it is given, and reads the pressure there.
"""

import binascii
from collections import deque
from pathlib import Path
from typing import Final

from hardware.codec import cuff1
from hardware.codec import cuff1_table as table
from hardware.sim.avr import Board, Edge, Restart
from hardware.sim.plant import Plant, Trouble
from hardware.sim.reference import SELFTEST, SELFTEST_EVENT, Witness

BOARD_ADDRESS: Final = 0x10
"""Where the EEPROM keeps who a board is (``hardware/firmware/board.h``)."""
SLICE_S: Final = 0.02
"""The chip runs this long before it is looked at again: less than a self-test's quiet beginning."""
BUSY_S: Final = 0.002
REST_S: Final = 0.01
REMEMBERED: Final = 1000
WIRES: Final = ("whole", "open", "short")
ANSWER_S: Final = 0.012
"""After bytes from the host, an answer is expected for so long."""


def board_words(maker: str, serial_number: str, calibrated: str) -> bytes:
    """Return the words of a board as its EEPROM has them: filled up with zeros, with their CRC."""
    words = {"maker": maker, "serial number": serial_number, "calibrated": calibrated}
    record = b"".join(
        word.encode("ascii").ljust(table.IDENTITY_WORDS[name], b"\0")
        for name, word in words.items()
    )
    return record + binascii.crc_hqx(record, 0xFFFF).to_bytes(2, "little")


class FirmwareCuff:
    """One controller's firmware with its cuff.

    Parameters
    ----------
    plant
        Its settings say how fast the simulated air fills and vents, its troubles what is wrong with it;
        its pressure follows the simulated one.
    start_s
        The time at which it is switched on, on the clock that `advance` is given.
    witness
        Told ``valve closed`` when both vent paths are closed, ``valve open`` when both are open again,
        ``state ...`` as the device says it, ``vent byte``, ``restart``. As with the other emulator, the
        valves of a self-test are not told.
    binary
        The firmware, as an ELF file.

    Attributes
    ----------
    edges
        What the pins did, the last changes of them, on the chip's clock.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        start_s: float,
        witness: Witness | None,
        binary: Path,
        seed: int = 0,
    ) -> None:
        self.board = Board(binary, seed=seed)
        air = plant.settings
        self.board.air(air.fill_tau_s, air.vent_tau_s, first_path_share=air.first_path_share)
        # so that no driver takes it for a real one, whose pressure somebody feels
        self.board.write_eeprom(board_words("emulated", "E0001", "none"), BOARD_ADDRESS)
        self._plant, self._start_s = plant, start_s
        self._witness = witness or (lambda what, time_s: None)
        self.edges: deque[Edge] = deque(maxlen=REMEMBERED)
        self._trouble = Trouble()
        self._decoder = cuff1.ReplyDecoder()
        self._now_s = self._heard_s = start_s
        self._state: int | None = None
        self._told_closed = self._jumper = False
        self._resets = 0

    def receive(self, data: bytes) -> None:
        """Take bytes from the host. Call `advance` first, so that they arrive now."""
        if table.VENT_BYTE in data or table.RESET_BYTE in data:
            self._witness("vent byte", self._now_s)
        self._heard_s = self._now_s
        self.board.write(data)

    def advance(self, now_s: float) -> bytes:
        """Let time pass and return what the device has sent."""
        if self._plant.trouble != self._trouble:
            self._trouble = self._plant.trouble
            for name, value in self._settings(self._trouble).items():
                self.board.fault(name, value)
        out = b""
        while self._now_s < now_s:
            self._now_s = min(now_s, self._now_s + SLICE_S)
            self.board.run_until(self._now_s - self._start_s)
            said = self.board.read()
            out += said
            self._listen(said)
            self._watch()
        self._plant.pressure_mmhg = self.board.pressure_mmhg
        return out

    def next_output_s(self) -> float:
        """Return when to look again: soon while an answer may be on its way."""
        busy = self.board.waiting or self._now_s - self._heard_s < ANSWER_S
        return self._now_s + (BUSY_S if busy else REST_S)

    @property
    def pressure_mmhg(self) -> float:
        """Return the true pressure, which no sensor knows."""
        return self.board.pressure_mmhg

    def restart(self, cause: str = "brown_out") -> None:
        """Begin anew: ``power_on`` and ``brown_out`` lose what is in its memory, ``reset_pin`` does not."""
        self.board.restart(Restart[cause.upper()])
        self._watch()

    def open_loop(self) -> None:
        """Open the participant's abort loop: the ball is squeezed, or its wire breaks."""
        self.board.fault("loop_open")

    def close_loop(self) -> None:
        """Close the abort loop again."""
        self.board.fault("loop_open", 0.0)

    @property
    def service_jumper(self) -> bool:
        """Return whether the jumper is set without which nobody changes the site's ceiling."""
        return self._jumper

    @service_jumper.setter
    def service_jumper(self, there: bool) -> None:
        self._jumper = there
        self.board.fault("jumper_set", float(there))

    def _listen(self, said: bytes) -> None:
        """Learn the state from what the device says."""
        self._decoder.receive(said)
        for reply in self._decoder.replies():
            if isinstance(reply, cuff1.Ack | cuff1.Nak | cuff1.Status):
                self._learn(reply.state)
            elif isinstance(reply, cuff1.DeviceEvent) and reply.event == SELFTEST_EVENT:
                self._state = None  # whatever it is, it is not the self-test any more

    def _learn(self, state: int) -> None:
        if state != self._state:
            self._state = state
            self._witness(f"state {table.STATES[state]}", self._now_s)

    def _watch(self) -> None:
        for edge in self.board.edges():
            self.edges.append(edge)
            time_s = self._start_s + edge.time_s
            if edge.closed and not self._told_closed and self._state != SELFTEST:
                self._told_closed = True
                self._witness("valve closed", time_s)
            elif self._told_closed and edge.open:
                self._told_closed = False
                self._witness("valve open", time_s)
        if self.board.resets != self._resets:
            self._resets = self.board.resets
            self._witness("restart", self._now_s)

    @staticmethod
    def _settings(trouble: Trouble) -> dict[str, float]:
        """Return what the simulated air calls a trouble of ours."""
        settings = {
            "leak_per_s": trouble.leak_per_s,
            "kinked": trouble.kinked,
            "no_supply": trouble.supply_lost,
            "dump_stuck": trouble.valve_stuck or trouble.stuck_path == 1,
            "supply_stuck": trouble.valve_stuck or trouble.stuck_path == 2,
            "shutoff_stuck": trouble.shutoff_stuck,
            "runaway_mmhg": trouble.runaway_mmhg,
            "first_off_mmhg": trouble.lie_mmhg + trouble.off_mmhg[0],
            "second_off_mmhg": trouble.lie_mmhg + trouble.off_mmhg[1],
            "first_frozen": trouble.sensors_stuck or trouble.frozen[0],
            "second_frozen": trouble.sensors_stuck or trouble.frozen[1],
            "first_volts": WIRES.index(trouble.wires[0]),
            "second_volts": WIRES.index(trouble.wires[1]),
        }
        return {name: float(value) for name, value in settings.items()}

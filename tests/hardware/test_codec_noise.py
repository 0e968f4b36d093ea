"""Every codec, both directions: a million bytes of noise, every truncation, every flipped bit.

A decoder may answer with readings or with a `CodecError`, it may raise nothing else, and what it
keeps for later is bounded whatever comes.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, get_args

import numpy as np
import pytest

from hardware.codec import (
    alicat,
    alicat_table,
    cpar,
    cpar_messages,
    cpar_table,
    cuff1,
    cuff1_table,
    devicehost,
    devicehost_messages,
    devicehost_table,
)
from hardware.codec.cpar_messages import Request, SetProgram, Start, step
from hardware.codec.cpar_table import CommandMap, Verb
from hardware.errors import CodecError

NOISE_BYTES: Final = 1_000_000
SPLICED_BYTES: Final = 150_000
LONGEST_CHUNK: Final = 2000

FRAME: Final = alicat.FrameFormat(
    unit_id="A",
    columns=(
        alicat.Column("Gauge Press", 7, 1, "mmHgG"),
        alicat.Column("Gauge Press Setpt", 7, 1, "mmHgG"),
    ),
    pressure_at=0,
    setpoint_at=1,
    unit="mmHg",
    reference="G",
    flags=frozenset({"EXH", "HLD"}),
)
HOST_STATE: Final = devicehost_messages.State(
    "STATE_IDLE", True, True, True, True, True, "0", (0, 0), 6000
)
HOST_SIGNALS: Final = devicehost_messages.Signals(((186, 0, 0), (187, 0, 0)))
HOST_STEPS: Final = (
    devicehost_messages.Instruction("STEP", 200, 1000),
    devicehost_messages.Instruction("STEP", 0, 1000),
)


class Cuff1Replies:
    """The reference decoder takes bytes and gives replies in two calls."""

    def __init__(self) -> None:
        self.decoder = cuff1.ReplyDecoder()

    def receive(self, data: bytes) -> Iterator[object]:
        self.decoder.receive(data)
        yield from self.decoder.replies()


def alicat_replies() -> alicat.ReplyDecoder:
    decoder = alicat.ReplyDecoder("A")
    decoder.frame = FRAME
    return decoder


@dataclass(frozen=True)
class Codec:
    """A decoder, what it may say, what it may keep, and frames that it understands."""

    make: Callable[[], object]
    says: tuple[type, ...]
    most_kept: int
    frames: tuple[bytes, ...]
    checksum: bool = False


CODECS: Final = {
    "cuff1 replies": Codec(
        Cuff1Replies,
        get_args(cuff1.Reply),
        cuff1_table.LONGEST_FRAME,
        (cuff1.encode_ack(cuff1.Ack(3, 1500, 1)), cuff1.encode_nak(cuff1.Nak(3, 2, 1))),
        checksum=True,
    ),
    "cuff1 commands": Codec(
        cuff1.CommandDecoder,
        (cuff1.HostCommand, cuff1.RealTimeByte, cuff1.BadCommand),
        cuff1_table.LONGEST_COMMAND,
        (cuff1.frame(b"5 ID"), cuff1.encode_command(9, "GO", 1400, 15000, 500)),
        checksum=True,
    ),
    "cpar replies": Codec(
        lambda: cpar.ReplyDecoder(CommandMap.C),
        get_args(cpar_messages.Reply),
        cpar_table.LONGEST_PACKET + 1,
        (
            cpar.encode_reply(cpar_messages.Counter(4863), CommandMap.C),
            cpar.encode_reply(cpar_messages.Negative(2), CommandMap.C),
            cpar.encode_reply(cpar_messages.ProgramLoaded(75), CommandMap.C),
        ),
    ),
    "cpar requests": Codec(
        lambda: cpar.RequestDecoder(CommandMap.C),
        (*get_args(cpar_messages.HostRequest), cpar_messages.BadRequest),
        cpar_table.LONGEST_PACKET + 1,
        (
            cpar.encode_request(SetProgram(0, 1, (step(26112, 300), step(0, 1))), CommandMap.C),
            cpar.encode_request(Start(1, 0), CommandMap.C),
            cpar.encode_request(Request(Verb.STOP), CommandMap.C),
        ),
    ),
    "alicat replies": Codec(
        alicat_replies,
        get_args(alicat.Reply),
        alicat_table.LONGEST_LINE + 1,
        (
            alicat.encode_data(FRAME, (1402, 1400), ("EXH",)),
            alicat.encode_info("A", "PCD-10PSIG-D", "1", "emulated")[4],
        ),
    ),
    "alicat commands": Codec(
        lambda: alicat.CommandDecoder("A"),
        (alicat.HostCommand, alicat.BadCommand),
        alicat_table.LONGEST_COMMAND + 1,
        (alicat.encode_setpoint("A", 1400, decimals=1), alicat.encode_command("A", b"E")),
    ),
    "devicehost answers": Codec(
        devicehost.ResponseDecoder,
        get_args(devicehost_messages.Response),
        (devicehost_table.MOST_STATEMENTS + 2) * (devicehost_table.LONGEST_STATEMENT + 1)
        + devicehost_table.MOST_SAMPLES * 3,
        (
            devicehost.encode_response(HOST_STATE),
            devicehost.encode_response(HOST_SIGNALS),
            devicehost.encode_response(devicehost_messages.Done()),
        ),
    ),
    "devicehost requests": Codec(
        devicehost.RequestDecoder,
        (devicehost_messages.Heard, devicehost_messages.BadRequest),
        (devicehost_table.MOST_STATEMENTS + devicehost_table.MOST_INSTRUCTIONS + 2)
        * (devicehost_table.LONGEST_STATEMENT + 1),
        (
            devicehost.encode_request(devicehost_messages.Waveform(0, HOST_STEPS), "COM8"),
            devicehost.encode_request(devicehost_messages.Start((0, -1)), "COM8"),
            devicehost.encode_request(devicehost_messages.Request("STOP"), "COM8"),
        ),
    ),
}


def kept(thing: object) -> int:
    """Return how many bytes, characters and numbers a decoder holds on to."""
    if isinstance(thing, bool | enum.Enum):
        return 0
    if isinstance(thing, bytes | bytearray | str):
        return len(thing)
    if isinstance(thing, list | tuple):
        return sum(kept(part) for part in thing)
    if isinstance(thing, int):
        return 1
    own = getattr(thing, "__dict__", {})
    if not type(thing).__module__.startswith(("hardware.codec", __name__)):
        return 0
    return sum(
        kept(value) for name, value in own.items() if name not in ("frame", "unit_id", "_unit_id")
    )


def chunks(data: bytes, source: np.random.Generator) -> Iterator[bytes]:
    cuts = np.cumsum(source.integers(1, LONGEST_CHUNK, size=len(data) // 500))
    edges = [0, *(int(cut) for cut in cuts if cut < len(data)), len(data)]
    return (data[a:b] for a, b in pairwise(edges))


def heard(codec: Codec, decoder: object, data: bytes) -> list[object]:
    """Return what a decoder says of bytes; a codec error is an answer too."""
    try:
        said = list(decoder.receive(data))  # type: ignore[attr-defined]
    except CodecError:
        return []
    for one in said:
        assert isinstance(one, codec.says)
    assert kept(decoder) <= codec.most_kept
    return said


def readings(said: list[object]) -> list[object]:
    """Return what counts: no evidence of damage, no refusal."""
    return [
        one for one in said if type(one).__name__ not in ("Corrupt", "BadCommand", "BadRequest")
    ]


@pytest.mark.parametrize("name", CODECS)
def test_a_million_bytes_of_noise_are_readings_or_errors_and_are_not_kept(name: str) -> None:
    codec, source = CODECS[name], np.random.default_rng(7)
    decoder = codec.make()
    for chunk in chunks(source.bytes(NOISE_BYTES), source):
        heard(codec, decoder, chunk)


@pytest.mark.parametrize("name", CODECS)
def test_pieces_of_real_frames_in_any_order_are_readings_or_errors_and_are_not_kept(
    name: str,
) -> None:
    codec, source = CODECS[name], np.random.default_rng(11)
    decoder, fed, found = codec.make(), 0, 0
    while fed < SPLICED_BYTES:
        frame = codec.frames[int(source.integers(len(codec.frames)))]
        a, b = sorted(int(at) for at in source.integers(0, len(frame) + 1, size=2))
        piece = frame if source.random() < 0.5 else frame[a:b]
        fed += len(piece)
        found += len(readings(heard(codec, decoder, piece)))
    assert found > 100  # it recovers from what is torn


@pytest.mark.parametrize("name", CODECS)
def test_no_truncation_makes_another_reading(name: str) -> None:
    codec = CODECS[name]
    for frame in codec.frames:
        whole = readings(heard(codec, codec.make(), frame))
        assert len(whole) == 1
        for size in range(len(frame)):
            assert readings(heard(codec, codec.make(), frame[:size])) in ([], whole)


@pytest.mark.parametrize("name", CODECS)
def test_no_flipped_bit_raises_and_a_checksum_finds_them_all(name: str) -> None:
    codec = CODECS[name]
    for frame in codec.frames:
        whole = readings(heard(codec, codec.make(), frame))
        for at in range(len(frame) * 8):
            flipped = bytearray(frame)
            flipped[at // 8] ^= 1 << at % 8
            said = readings(heard(codec, codec.make(), bytes(flipped)))
            others = [one for one in said if not isinstance(one, cuff1.RealTimeByte)]
            if codec.checksum:
                assert others in ([], whole)

"""The published test vectors of the CPAR, and both decoders in one call."""

from collections.abc import Iterator

from hardware.codec import cpar
from hardware.codec import cpar_table as table
from hardware.codec.cpar_messages import (
    Counter,
    DeviceEvent,
    DeviceIdentity,
    Done,
    HostRequest,
    Instruction,
    Negative,
    OtherMessage,
    ProgramLoaded,
    Reply,
    Request,
    SetProgram,
    Start,
    Status,
    program_units,
    ramp_units,
    step,
)
from hardware.codec.cpar_table import CommandMap, Verb

A, C = CommandMap.A, CommandMap.C
FORTY = Instruction(table.STEP, program_units(40.0), 300)

REQUESTS: list[tuple[str, CommandMap, HostRequest, str]] = [
    ("C1", C, Request(Verb.IDENTIFY), "01 00"),
    ("C3", C, Request(Verb.KICK), "02 00"),
    ("C5", C, SetProgram(0, 1, (FORTY,)), "10 07 00 01 03 00 66 2C 01"),
    ("C5b", C, SetProgram(0, 1, (FORTY, step(0, 1))), "10 0C 00 01 03 00 66 2C 01 03 00 00 01 00"),
    ("C7", C, SetProgram(1, 1, ()), "10 02 01 01"),
    ("C9", C, Start(0, 0), "11 02 00 00"),
    ("C9b", C, Start(2, 1), "11 02 02 01"),
    ("C10", C, Start(1, 0), "11 02 01 00"),
    ("C13", C, Request(Verb.STOP), "13 00"),
    (
        "C14",
        C,
        SetProgram(0, 255, (step(program_units(100.0), 255),)),
        "10 07 00 FF 03 00 FF FF 00",
    ),
    (
        "C15",
        C,
        SetProgram(
            1,
            3,
            (
                step(program_units(12.34), 155),
                Instruction(table.INC, ramp_units(2.0), 300),
                Instruction(table.DEC, ramp_units(5.0), 120),
            ),
        ),
        "10 11 01 03 03 77 1F 9B 00 01 41 00 2C 01 02 A3 00 78 00",
    ),
    (
        "C15b",
        C,
        SetProgram(0, 1, (Instruction(table.INC, ramp_units(1.0), 2000),)),
        "10 07 00 01 01 20 00 D0 07",
    ),
    ("A identify", A, Request(Verb.IDENTIFY), "01 00"),
    ("A2 kick", A, Request(Verb.KICK), "08 00"),
    ("A2 stop", A, Request(Verb.STOP), "04 00"),
    ("A2 start", A, Start(0), "03 01 00"),
    ("A3", A, SetProgram(0, 1, (FORTY,)), "02 07 00 01 03 00 66 2C 01"),
    (
        "A 50 kPa",
        A,
        SetProgram(0, 1, (step(program_units(50.0), 20),)),
        "02 07 00 01 03 80 7F 14 00",
    ),
]


def a_status(**changes: object) -> Status:
    values: dict[str, object] = {
        "state": 0,
        "flags": 5,
        "update_counter": 0,
        "stop_condition": 0,
        "rating": 0,
        "final_rating": 0,
        "supply": 178,
        "actual": (0, 0),
        "target": (0, 0),
        "final": (0, 0),
        "button_down": False,
    }
    return Status(**values | changes)  # type: ignore[arg-type]


RUNNING = a_status(state=1, update_counter=1234, rating=26, actual=(101, 0), target=(102, 0))
WHO_C = DeviceIdentity(
    length=64,
    manufacturer=3,
    device_type=1,
    serial_number=5,
    version=(8, 0, 0),
    engineering=0,
    checksum=0xBEEF,
    manufacturer_name="Nocitech",
    device_name="CPAR",
)
WHO_A = DeviceIdentity(
    length=6,
    manufacturer=None,
    device_type=1,
    serial_number=12,
    version=(6, 0, 0),
    engineering=0,
    checksum=0xA5,
)
REPLIES: list[tuple[str, CommandMap, Reply, str]] = [
    (
        "C2",
        C,
        WHO_C,
        "01 40 03 00 00 00 01 00 05 00 00 00 08 00 00 00 EF BE 4E 6F 63 69 74 65 63 68"
        + " 00" * 16
        + " 43 50 41 52"
        + " 00" * 20,
    ),
    ("C4", C, Counter(4863), "02 04 FF 12 00 00"),
    ("C6", C, ProgramLoaded(0x4B), "10 01 4B"),
    ("C8", C, ProgramLoaded(0), "10 01 00"),
    ("C11", C, Done(Verb.START), "11 00"),
    ("C13", C, Done(Verb.STOP), "13 00"),
    ("C16", C, Negative(1), "00 01 01"),
    ("C17", C, Negative(2), "00 01 02"),
    ("C18", C, RUNNING, "80 0F 01 05 D2 04 00 1A 00 B2 65 00 66 00 00 00 00"),
    (
        "C19",
        C,
        a_status(
            update_counter=300,
            stop_condition=2,
            rating=255,
            final_rating=255,
            actual=(12, 0),
            final=(102, 0),
        ),
        "80 0F 00 05 2C 01 02 FF FF B2 0C 00 00 00 66 00 00",
    ),
    ("C20", C, a_status(flags=0x17), "80 0F 00 17 00 00 00 00 00 B2 00 00 00 00 00 00 00"),
    ("C21", C, DeviceEvent(2), "81 01 02"),
    ("C22", C, DeviceEvent(13), "81 01 0D"),
    ("C23", C, OtherMessage(0xFF, b"Hi"), "FF 02 48 69"),
    ("A1", A, WHO_A, "01 06 01 06 00 A5 0C 00"),
    (
        "A5",
        A,
        a_status(
            state=1,
            update_counter=1234,
            rating=26,
            actual=(101, 0),
            target=(102, 0),
            button_down=None,
        ),
        "80 0E 01 05 D2 04 00 1A 00 B2 65 00 66 00 00 00",
    ),
]

FRAMES = [
    ("02 04 FF 12 00 00", "FF F1 02 04 FF FF 12 00 00 FF F2"),
    ("10 07 00 01 03 00 66 2C 01", "FF F1 10 07 00 01 03 00 66 2C 01 FF F2"),
    ("10 07 00 FF 03 00 FF FF 00", "FF F1 10 07 00 FF FF 03 00 FF FF FF FF 00 FF F2"),
    ("12 02 01 01", "FF F1 12 02 01 01 FF F2"),
    ("13 00", "FF F1 13 00 FF F2"),
    (
        "80 0F 00 05 2C 01 02 FF FF B2 0C 00 00 00 66 00 00",
        "FF F1 80 0F 00 05 2C 01 02 FF FF FF FF B2 0C 00 00 00 66 00 00 FF F2",
    ),
    ("FF 02 48 69", "FF F1 FF FF 02 48 69 FF F2"),
    ("0A 01 00", "FF F1 0A 01 00 FF F2"),
    (
        "06 0B 00 C9 40 01 00 00 40 C0 FF FF A7",
        "FF F1 06 0B 00 C9 40 01 00 00 40 C0 FF FF FF FF A7 FF F2",
    ),
    ("10 08 00 01 DC 05 99 99 99 D9", "FF F1 10 08 00 01 DC 05 99 99 99 D9 FF F2"),
    ("11 05 00 00 02 00 00", "FF F1 11 05 00 00 02 00 00 FF F2"),
    ("03 01 00", "FF F1 03 01 00 FF F2"),
]
D3 = "80 16 01 07 D2 04 00 19 00 99 09 5E 06 00 00 66 06 00 00 00 00 00 00 00"


def heard(data: bytes, command_map: CommandMap | None = C, *, size: int = 10_000) -> list[Reply]:
    decoder = cpar.ReplyDecoder(command_map)
    return [r for piece in pieces(data, size) for r in decoder.receive(piece)]


def asked(data: bytes, command_map: CommandMap = C, *, size: int = 10_000) -> list[object]:
    decoder = cpar.RequestDecoder(command_map)
    return [r for piece in pieces(data, size) for r in decoder.receive(piece)]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def packets(data: bytes) -> list[bytes]:
    return [p for p in cpar.Deframer().receive(data) if isinstance(p, bytes)]

"""The unchanged driver and supervisor on the real binary, and the ways to get there."""

import contextlib
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gates import Binaries
from supervised import Supervised
from typer.testing import CliRunner

from hardware.errors import HardwareUnavailable
from hardware.readings import CommandReport, FaultReport, LinkNote, Program, Sample
from hardware.sim import avr
from hardware.sim.elf import FLASH_BYTES, NoFirmwareError, elf_of, flash_of
from hardware.sim.firmware import FirmwareCuff
from hardware.sim.plant import IN_FRONT_TAU_S, Plant, PlantSettings
from hardware.supervisor import Arm, Load
from scc_task.cli_emulate import app
from scc_task.emulated import EmulatorProcess, emulator_of
from scc_task.errors import ExitCode, FilesInvalid
from scc_task.protocol.load import load_rig

ROOT = Path(__file__).parents[2]
RIG = ROOT / "rigs" / "reference-sim.yaml"
FLAGS_AT = 36
"""Of an ELF file's header."""
ATMEGA2560 = 6
SLEEPS = bytes.fromhex("f894 01e0 03bf 8895 fecf")
"""cli; ldi r16, 1; out SMCR, r16; sleep; rjmp to it."""
LOAD_ALL = """
import contextlib, pathlib, sys
from hardware.errors import HardwareUnavailable
from hardware.sim.avr import Board
loaded = refused = 0
for path in pathlib.Path(sys.argv[1]).glob("*.elf"):
    try:
        board = Board(path)
    except HardwareUnavailable:
        refused += 1
        continue
    loaded += 1
    with contextlib.suppress(HardwareUnavailable):
        board.run_until(0.01)
    board.close()
print(loaded, refused)
"""


def damaged(binary: Path, seed: int) -> bytes:
    """Return an ELF file with one to three changed bytes in its header and its tables."""
    data, dice = bytearray(binary.read_bytes()), random.Random(seed)
    programs_at, sections_at = (int.from_bytes(data[n : n + 4], "little") for n in (28, 32))
    spots = [*range(16, 52), *range(programs_at, programs_at + 4 * 32)]
    spots += range(sections_at, len(data))
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        data[dice.choice(spots)] = dice.choice((0, 1, 128, 255, dice.randrange(256)))
    return bytes(data)


def test_the_driver_arms_inflates_with_a_ramp_and_ends_on_the_real_binary(
    binaries: Binaries,
) -> None:
    table = Supervised(binaries.release, seed=3)
    assert table.identity.simulated  # it never passes for a real one
    table.supervisor.handle(Arm(), table.clock.now_s())
    table.run(5.0)
    assert "arm" in [r.command for r in table.reports if isinstance(r, CommandReport)]
    onset_s = table.clock.now_s() + 1.0
    program = Program(
        number=1, onset_s=onset_s, offset_s=onset_s + 6.0, target_mmhg=120.0, rise_s=2.0
    )
    table.supervisor.handle(Load(program), table.clock.now_s())
    table.run(10.0)
    assert table.of(FaultReport) == []
    samples = [r for r in table.reports if isinstance(r, Sample)]
    held = [s.measured_mmhg for s in samples if onset_s + 3.5 < s.arrival_s < onset_s + 5.9]
    assert sum(held) / len(held) == pytest.approx(120.0, abs=3.0)
    assert table.plant.pressure_mmhg < 1.0
    (armed,) = [r for r in table.reports if isinstance(r, LinkNote) and r.code == "armed"]
    assert "watchdog seen to vent" in armed.message


def test_a_fault_script_troubles_the_simulated_air(binaries: Binaries) -> None:
    table = Supervised(binaries.release, seed=3)
    table.plant.trouble = replace(table.plant.trouble, stuck_path=2)
    table.supervisor.handle(Arm(), table.clock.now_s())
    table.run(6.0)
    (fault,) = [r for r in table.reports if isinstance(r, FaultReport)]
    assert fault.code == "device_selftest"
    assert "second vent path" in fault.message


def test_the_simulated_air_is_that_of_the_emulator() -> None:
    settings = PlantSettings()
    header = (avr.FIRMWARE / "simavr" / "air.h").read_text()
    for name, value in {
        "FILL_TAU_S": settings.fill_tau_s,
        "VENT_TAU_S": settings.vent_tau_s,
        "FIRST_PATH_SHARE": settings.first_path_share,
        "OVERSHOOT": settings.overshoot,
        "OVERSHOOT_TAU_S": settings.overshoot_tau_s,
        "LEAK_PER_S": settings.leak_per_s,
        "NOISE_MMHG": settings.noise_mmhg,
        "IN_FRONT_TAU_S": IN_FRONT_TAU_S,
    }.items():
        assert f"#define {name} {value:g}" in header


def test_every_trouble_of_the_air_is_known_to_the_simulated_one(binaries: Binaries) -> None:
    plant = Plant()
    device = FirmwareCuff(plant, start_s=0.0, witness=None, binary=binaries.release)
    before = {name: getattr(plant.trouble, name) for name in plant.trouble.__dataclass_fields__}
    changes = {
        **{name: 1.0 for name, value in before.items() if isinstance(value, float)},
        **{name: True for name, value in before.items() if isinstance(value, bool)},
        "stuck_path": 1,
        "off_mmhg": (1.0, 1.0),
        "frozen": (True, True),
        "wires": ("open", "short"),
    }
    assert set(changes) == set(before)
    plant.trouble = replace(plant.trouble, **changes)
    device.advance(0.01)
    outside = {"loop_open", "jumper_set", "unplugged"}
    assert set(device.board.faults) - outside == set(device._settings(plant.trouble))
    device.board.close()


def test_a_missing_firmware_is_explained(tmp_path: Path) -> None:
    with pytest.raises(HardwareUnavailable, match="there is no such firmware file") as refused:
        avr.require(tmp_path / "none.elf")
    assert "make -C hardware/firmware" in str(refused.value.do)
    (tmp_path / "text.elf").write_text("hello")
    with pytest.raises(HardwareUnavailable, match="not a compiled firmware"):
        avr.require(tmp_path / "text.elf")


def test_a_program_for_another_processor_is_explained(binaries: Binaries) -> None:
    with pytest.raises(HardwareUnavailable, match="for another processor"):
        avr.Board(Path(sys.executable))  # where the binaries are made, Python is an ELF file


@pytest.mark.parametrize("share", [0.0005, 0.002, 0.01, 0.3, 0.9, 0.999])
def test_a_firmware_file_that_is_cut_off_is_explained(
    binaries: Binaries, tmp_path: Path, share: float
) -> None:
    whole = binaries.release.read_bytes()
    assert flash_of(whole)
    cut = tmp_path / "cut.elf"
    cut.write_bytes(whole[: max(4, int(len(whole) * share))])
    with pytest.raises(HardwareUnavailable, match="cut off or damaged"):
        avr.Board(cut)


def test_a_firmware_that_does_not_fit_is_explained(binaries: Binaries) -> None:
    whole = bytearray(binaries.release.read_bytes())
    first_at = int.from_bytes(whole[28:32], "little")  # the table of segments
    whole[first_at + 12 : first_at + 16] = (40_000).to_bytes(4, "little")  # where it is loaded
    with pytest.raises(NoFirmwareError, match="larger than the controller's flash"):
        flash_of(bytes(whole))


def test_a_program_for_another_chip_is_explained(binaries: Binaries, tmp_path: Path) -> None:
    whole = bytearray(binaries.release.read_bytes())
    whole[FLAGS_AT] = ATMEGA2560
    (tmp_path / "mega.elf").write_bytes(whole)
    with pytest.raises(HardwareUnavailable, match="for another chip"):
        avr.Board(tmp_path / "mega.elf")


def test_the_chip_gets_the_flash_that_is_in_the_file_and_nothing_else(binaries: Binaries) -> None:
    flash = flash_of(binaries.release.read_bytes())
    assert flash_of(elf_of(flash)) == flash
    shipped = (avr.FIRMWARE / "build" / "cuff_release.hex").read_text().split()
    records = (bytes.fromhex(line[1:]) for line in shipped)
    assert flash == b"".join(record[4:-1] for record in records if record[3] == 0)


def test_whatever_stands_in_an_elf_file_it_is_refused_in_words_or_gives_a_flash(
    binaries: Binaries,
) -> None:
    for seed in range(2000):
        with contextlib.suppress(NoFirmwareError):
            assert 0 < len(flash_of(damaged(binaries.release, seed))) <= FLASH_BYTES


def test_no_damaged_file_ends_the_process_that_loads_it(binaries: Binaries, tmp_path: Path) -> None:
    for seed in range(100):
        (tmp_path / f"{seed}.elf").write_bytes(damaged(binaries.release, seed))
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, str(tmp_path)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr  # a signal's is negative
    assert sum(map(int, done.stdout.split())) == 100
    assert "0" not in done.stdout.split()  # some are loaded, some refused


def test_a_program_that_sleeps_for_ever_is_explained_on_the_command_line(
    binaries: Binaries, tmp_path: Path
) -> None:
    sleeper = tmp_path / "sleeper.elf"
    sleeper.write_bytes(elf_of(SLEEPS))
    command = [str(ROOT / "run_task.py"), "emulate", "reference", "--binary", str(sleeper)]
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,  # it is not what ends it
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.wait(60) == ExitCode.HARDWARE_UNAVAILABLE
        assert process.stdout is not None
        said = process.stdout.read()
    assert "crashed with this program, or sleeps for ever" in said
    assert str(sleeper) in said
    assert "Traceback" not in said


def test_a_damaged_firmware_file_is_explained_on_the_command_line(
    binaries: Binaries, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.elf"
    cut.write_bytes(binaries.release.read_bytes()[:9000])
    command = [
        sys.executable,
        str(ROOT / "run_task.py"),
        "emulate",
        "reference",
        "--binary",
        str(cut),
    ]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode > 0  # and no signal
    assert "Traceback" not in done.stderr
    assert "cut off or damaged" in done.stdout + done.stderr


def test_a_missing_simulator_is_explained(
    binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cuff.elf").write_bytes(binaries.release.read_bytes())
    monkeypatch.setattr(avr, "LIBRARY", tmp_path / "none.so")
    with pytest.raises(HardwareUnavailable, match="simulated chip cannot be opened") as refused:
        avr.require(tmp_path / "cuff.elf")
    assert "apt-get install" in str(refused.value.do)


def test_only_the_reference_controller_has_a_binary(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["cpar", "--binary", "x.elf"])
    assert refused.exit_code == 2
    text = RIG.read_text("utf-8")
    rig = tmp_path / "rig.yaml"
    rig.write_text(text.replace("driver: reference ", "driver: cpar "), "utf-8")
    with pytest.raises(FilesInvalid, match="'binary' does not fit the driver cpar"):
        load_rig(rig)
    rig.write_text(
        text.replace("port: emulated\n  binary", "port: /dev/ttyUSB0\n  binary").replace(
            "answers: emulated ", "answers: keyboard "
        ),
        "utf-8",
    )
    with pytest.raises(FilesInvalid, match="a simulated chip and a real port"):
        load_rig(rig)


def test_the_rig_serves_its_binary_on_a_port_in_real_time(
    binaries: Binaries, tmp_path: Path
) -> None:
    from hardware.clock import RealClock
    from hardware.drivers.reference import ReferenceCuff
    from hardware.transport import SerialTransport

    rig = load_rig(RIG).model
    log = tmp_path / "log.jsonl"
    process = EmulatorProcess(*emulator_of(rig.cuff), "--log", str(log))
    try:
        cuff = ReferenceCuff(SerialTransport(process.port, baud=115200), RealClock())
        identity = cuff.identify()
        cuff.close()
    finally:
        process.close()
    assert identity.simulated
    assert identity.firmware.startswith("uno-")
    said = [json.loads(line)["what"] for line in log.read_text().splitlines()]
    assert "vent byte" in said

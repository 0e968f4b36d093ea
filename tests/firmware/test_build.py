"""The firmware's image: the same bytes from the same sources, its hash, and nothing in it for tests."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import core_bench
import pytest
from core_bench import Core

FIRMWARE = core_bench.FIRMWARE
TOOLS = FIRMWARE.parents[1] / "tools"
SHIPPED = FIRMWARE / "release" / "cuff.hex"
FLASH_BYTES, RAM_BYTES = 32_768, 2_048


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stamp = tool("firmware_stamp")


def symbols(elf: Path) -> str:
    return subprocess.run(["avr-nm", str(elf)], check=True, capture_output=True, text=True).stdout


def test_a_rebuild_elsewhere_gives_the_same_bytes(binaries: Any, tmp_path: Path) -> None:
    there = tmp_path / "another place" / "hardware" / "firmware"
    shutil.copytree(FIRMWARE, there, ignore=shutil.ignore_patterns("build", "release"))
    (there.parents[1] / "tools").mkdir()
    shutil.copy(TOOLS / "firmware_stamp.py", there.parents[1] / "tools")
    subprocess.run(["make", "-s", "-C", str(there)], check=True, capture_output=True)
    for name, file in (("release", binaries.release), ("test", binaries.test)):
        assert (there / "build" / f"cuff_{name}.elf").read_bytes() == file.read_bytes()


def test_what_is_shipped_is_what_the_sources_give(binaries: Any) -> None:
    built = binaries.release.with_suffix(".hex").read_text()
    assert SHIPPED.read_text() == built, "make it anew: make -C hardware/firmware release"


def test_the_shipped_image_tells_its_own_hash() -> None:
    image = stamp.image_of(SHIPPED)
    told = stamp.hash_in(image)
    assert re.fullmatch("[0-9a-f]{8}", told)
    blank = image.replace(b"fw-hash=" + told.encode(), b"fw-hash=00000000")
    assert told == hashlib.sha256(blank).hexdigest()[:8]


def test_what_the_device_promises_was_measured_with_what_is_shipped() -> None:
    shipped = stamp.hash_in(stamp.image_of(SHIPPED))
    for page in ("promises.md", "safety.md"):
        text = (TOOLS.parent / "docs" / page).read_text(encoding="utf-8")
        device = text.split("## The device alone")[1].split("## With the computer")[0]
        assert re.findall(r"with the firmware ([0-9a-f]{8})", device) == [shipped], page


def test_an_image_with_a_changed_byte_is_found_out(tmp_path: Path) -> None:
    image = bytearray(stamp.image_of(SHIPPED))
    image[100] ^= 1
    changed = tmp_path / "changed.bin"
    changed.write_bytes(image)
    for file, status in ((SHIPPED, 0), (changed, 1)):
        command = [sys.executable, str(TOOLS / "firmware_stamp.py"), "check", str(file)]
        assert subprocess.run(command, capture_output=True).returncode == status


@pytest.mark.parametrize("line", [":", ":00", ":01", ":10000000F0", ":0400000000000000FC", ":zz"])
def test_a_damaged_line_of_a_hex_file_is_explained(tmp_path: Path, line: str) -> None:
    damaged = tmp_path / "damaged.hex"
    damaged.write_text(line + "\n")
    command = [sys.executable, str(TOOLS / "firmware_stamp.py"), "check", str(damaged)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{damaged}: ")
    assert f"the line {line} is damaged" in done.stderr or "stands 0 times" in done.stderr


def test_an_elf_file_that_is_cut_off_is_not_stamped(binaries: Any, tmp_path: Path) -> None:
    cut = tmp_path / "cut.elf"
    whole = binaries.release.read_bytes()
    cut.write_bytes(whole[: whole.index(stamp.TAG) + 100])
    before = cut.read_bytes()
    command = [sys.executable, str(TOOLS / "firmware_stamp.py"), "stamp", str(cut)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "it is cut off" in done.stderr
    assert cut.read_bytes() == before


def test_elf_and_hex_hold_the_same_image(binaries: Any) -> None:
    image = stamp.image_of(binaries.release)
    assert image == stamp.image_of(binaries.release.with_suffix(".hex"))
    assert stamp.hash_in(image) == stamp.hash_of(image)


def test_only_the_test_build_has_the_hooks_of_tests(binaries: Any) -> None:
    assert re.search(r"\bhal_hang$", symbols(binaries.test), re.M)
    assert not re.search(r"hal_hang", symbols(binaries.release))
    assert b"HANG" in stamp.image_of(binaries.test)
    assert b"HANG" not in stamp.image_of(binaries.release)


def test_it_leaves_room_in_flash_and_half_of_the_ram_to_the_stack(binaries: Any) -> None:
    assert len(stamp.image_of(binaries.release)) < FLASH_BYTES // 2
    ends = re.search(r"^(\w+) \w (?:__heap_start|_end)$", symbols(binaries.release), re.M)
    assert ends is not None
    assert int(ends[1], 16) - 0x800100 < RAM_BYTES // 2


def test_no_allocation_in_the_image(binaries: Any) -> None:
    assert not re.search(r"\b(malloc|free|realloc)$", symbols(binaries.release), re.M)


@pytest.mark.parametrize(
    "words", [("lab", "S7", "2026-01-02"), ("m" * 16, "~" * 16, "none"), ("!", "1", "none")]
)
def test_the_words_written_for_a_board_are_those_it_reads(
    core: Core, words: tuple[str, ...]
) -> None:
    board = tool("firmware_board")
    image = board.intel_hex(board.record(*words), board.ADDRESS)
    assert stamp.image_of_hex(image) == b"\xff" * board.ADDRESS + board.record(*words)
    assert core.words(board.record(*words)) == tuple(word.encode() for word in words)


@pytest.mark.parametrize(
    "bad", [("", "S7", "none"), ("a b", "S7", "none"), ("m" * 17, "S", "none")]
)
def test_what_is_no_word_of_a_board_is_refused(bad: tuple[str, ...]) -> None:
    command = [sys.executable, str(TOOLS / "firmware_board.py"), *bad]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is not a word" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("maker", ["emulated", "Emulated", "EMULATED"])
def test_no_real_board_is_made_an_emulated_one(maker: str) -> None:
    with pytest.raises(ValueError, match="taken for an emulated one"):
        tool("firmware_board").record(maker, "S7", "none")


@pytest.mark.parametrize(
    "date", ["2026-99-99", "2026-02-29", "1", "20260131", "None", "2026-W01-1"]
)
def test_a_calibration_is_a_date_of_the_calendar_or_none(date: str) -> None:
    with pytest.raises(ValueError, match=f"'{date}' is not a date such as 2026-01-31"):
        tool("firmware_board").record("lab", "S7", date)

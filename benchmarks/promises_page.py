"""The page of the measured promises: sections that are measured one by one, and their copy in safety.md.

``docs/promises.md`` is the page; everything below its title stands in ``docs/safety.md`` too, between two
marks, so that a reader of the hazards need not look elsewhere.
"""

import os
import platform
import re

from measure import ROOT

PAGE = ROOT / "docs" / "promises.md"
SAFETY = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- promises: written by benchmarks/promises.py -->", "<!-- end of the promises -->"
HEAD = """# Promises, measured

Written by `benchmarks/promises.py --write`, and copied into [safety.md](safety.md); do not edit. Through the
real binary on a simulated chip, whose cuff is a simple model: this says nothing about valves, hoses, or noise
on a wire. Milliseconds are from the event to the moment when both vent paths are open, at the pins, where a
row says nothing else. "Missed" counts trials beyond the limit, or in which it did not happen. The numbers in
the first column are those of the project's list of promises.
"""
TITLES = {
    "device": "The device alone",
    "host": "With the computer",
    "counted": "Counted, not timed",
}
INTRO = {
    "device": """Lock-step, in the chip's own time: the same on every computer.
Test: `tests/firmware/test_promises.py`.""",
    "host": """In real time, with the unchanged driver and supervisor on a pty: three processes. The
figures hold for this computer and what else ran on it. Tests: `test_supervised`, `test_stop_and_rescue`,
`test_firmware_driver`.""",
    "counted": """What is kept or broken. 7 is judged from bytes and pins alone. 15: that the pins let go when
a chip is reset is its own nature and the pull-downs' ([build-the-controller.md](build-the-controller.md),
test 1), which a simulation cannot show; what is tried here is what comes after. 22 is as
[firmware-mutants.md](firmware-mutants.md) and [interlock-mutants.md](interlock-mutants.md) have it. Tests:
`test_promises`, `test_noise`, `test_native_fuzz`.""",
}
COLUMNS = {
    "device": "| | what happens | limit ms | n | min | median | p99 | max | missed |",
    "host": "| | what happens | limit ms | n | min | median | p99 | max | missed |",
    "counted": "| | what | tried | broken | allowed |",
}


def measured_by(command: str, firmware_hash: str) -> str:
    """Return the line that says what a section was measured with."""
    machine = f"{platform.system()}, {os.cpu_count()} cores"
    return f"Measured by `{command}` with the firmware {firmware_hash}, on {machine}."


def section(name: str, measured: str, rows: list[str]) -> str:
    """Return one section: its title, what it says, and its table."""
    columns = COLUMNS[name]
    rule = "|---" * (columns.count("|") - 1) + "|"
    return "\n".join(
        [f"## {TITLES[name]}", "", INTRO[name], measured, "", columns, rule, *rows, ""]
    )


def sections(page: str) -> dict[str, str]:
    """Return the sections of a page by their names."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    names = {title: name for name, title in TITLES.items()}
    found = {names.get(part[3:].splitlines()[0].strip()): part for part in parts}
    return {name: part.rstrip() + "\n" for name, part in found.items() if name is not None}


def in_safety(page: str, safety: str) -> str:
    """Return the page of the hazards with the promises' tables in it, one level further down."""
    begin, end = safety.index(BEGIN) + len(BEGIN), safety.index(END)
    below = page[page.index("## ") :]
    below = re.sub(r"^## ", "#### ", below, flags=re.MULTILINE)
    return f"{safety[:begin]}\n\n{below.strip()}\n\n{safety[end:]}"


def write(measured: dict[str, str]) -> None:
    """Put sections into both pages; those that were not measured stay as they are."""
    there = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    there.update(measured)
    page = "\n".join([HEAD, *(there[name] for name in TITLES if name in there)])
    PAGE.write_text(page, encoding="utf-8")
    SAFETY.write_text(in_safety(page, SAFETY.read_text(encoding="utf-8")), encoding="utf-8")

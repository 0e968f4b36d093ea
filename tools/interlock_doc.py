"""Write docs/interlock.md from the interlock's own tables: ``.venv/bin/python tools/interlock_doc.py``."""

import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hardware.interlock_table import (  # noqa: E402  the path comes first
    NEXT,
    REFUSED,
    RULES,
    Event,
    InterlockSettings,
    Phase,
)
from hardware.limits import Limits  # noqa: E402
from hardware.registry import DRIVERS  # noqa: E402

OF_THE_DEVICE = {"fall_s": "fastest_fall_s"}
"""Settings that the supervisor takes from the device's capabilities."""
UNITS = {"mmhg_per_s": "mmHg/s", "mmhg": "mmHg", "s": "s", "inflations": "inflations"}


def unit_of(name: str) -> str:
    """Return the unit that a field's name ends with."""
    return next(unit for ending, unit in UNITS.items() if name.endswith(f"_{ending}"))


def setting(name: str) -> str:
    """Return a setting with its default, or with what each device says."""
    unit = unit_of(name)
    if name not in OF_THE_DEVICE:
        return f"`{name}` {getattr(InterlockSettings(), name):g} {unit}"
    drivers: dict[float, list[str]] = {}
    for driver, made in sorted(DRIVERS.items()):
        if made.capabilities.measures_pressure:
            value = getattr(made.capabilities, OF_THE_DEVICE[name])
            drivers.setdefault(value, []).append(driver)
    values = ", ".join(
        f"{value:g} {unit} ({', '.join(of)})" for value, of in sorted(drivers.items())
    )
    return f"`{name}`, the device's `{OF_THE_DEVICE[name]}`: {values}"


def rules() -> list[str]:
    """Return the table of rules."""
    lines = ["| Code | While | Trips when | Defaults | Stop reason |", "|---|---|---|---|---|"]
    for rule in RULES:
        phases = "always" if len(rule.phases) == len(Phase) else ", ".join(rule.phases)
        numbers = ", ".join(map(setting, rule.settings))
        lines.append(f"| `{rule.code}` | {phases} | {rule.says} | {numbers} | `{rule.reason}` |")
    return lines


def states() -> list[str]:
    """Return the table of phases and events."""
    lines = ["| | " + " | ".join(Event) + " |", "|---" * (len(Event) + 1) + "|"]
    for phase in Phase:
        cells = []
        for event in Event:
            here = (phase, event)
            cells.append(f"**{NEXT[here]}**" if here in NEXT else REFUSED.get(here, ""))
        lines.append(f"| **{phase}** | " + " | ".join(cells) + " |")
    return lines


def limits() -> list[str]:
    """Return the table of limits on commands."""
    lines = ["| Limit | Default |", "|---|---|"]
    return lines + [f"| `{f.name}` | {f.default:g} {unit_of(f.name)} |" for f in fields(Limits)]


def page() -> str:
    """Return the whole page."""
    return "\n".join(
        [
            "# The interlock",
            "",
            "Written by `tools/interlock_doc.py` from `hardware/interlock_table.py` and",
            "`hardware/limits.py`; do not edit.",
            "",
            "The interlock is a pure state machine in the supervisor's process: every command, sample and",
            "tick passes through it. A rule that trips vents the cuff and latches; the first fault is the",
            "reason of the stop, and only a new run, started by a person, leads out of it. Commands beyond a",
            "limit are refused, never clipped. A rig may set some of the rules' numbers, only stricter",
            "([rig.md](rig.md)), and none that is the device's. Where the numbers come from:",
            "`InterlockSettings`, `Limits` and, of a device, its driver.",
            "",
            "## Phases",
            "",
            "Rows: where it is. Columns: what happens. Bold: where that leads. Plain words: why it is",
            "refused. Empty: cannot happen there.",
            "",
            *states(),
            "",
            "## Rules",
            "",
            *rules(),
            "",
            "Besides these, faults that the device reports (`device_*`), a command that it does not take",
            "(`*_refused`), another pressure than asked for (`wrong_acknowledgement`), a lost wire",
            "(`link_lost`) and the operator's stop (`operator_stop`) latch the same way.",
            "",
            "## Limits on commands",
            "",
            "The lowest of device, site and protocol holds (for the gap: the longest). The gap is counted",
            "from the sample that shows the cuff below 15 mmHg, and judged again at the moment of the",
            "inflation.",
            "",
            *limits(),
            "",
        ]
    )


if __name__ == "__main__":
    (ROOT / "docs" / "interlock.md").write_text(page(), encoding="utf-8")

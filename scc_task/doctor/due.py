"""Whether the doctor has to see a cuff again before a run: one sentence, or nothing."""

import hashlib
from datetime import date
from pathlib import Path

from hardware.readings import Identity
from scc_task.doctor.store import Record, read_records, store_path
from scc_task.protocol.rig import Rig


def warning(rig: Rig, rig_path: Path, identity: Identity, today: date) -> str | None:
    """Return why the doctor's last word on this cuff does not hold, or ``None`` if it does.

    Parameters
    ----------
    identity
        The device that has just answered.
    today
        In UTC, as the records are.
    """
    if rig.simulated:
        return None
    why = _why(rig, rig_path, identity, today)
    if why is None:
        return None
    return f"DOCTOR: {why}. Without a person in the cuff: run_task.py doctor --rig {rig_path}"


def _why(rig: Rig, rig_path: Path, identity: Identity, today: date) -> str | None:
    found = read_records(store_path(rig_path))
    records = [r for r in found if _day(r) is not None and r.get("checked") != "scanner"]
    if not records:
        return "this cuff has never been checked with this rig"
    last = records[-1]
    if last.get("failed") or last.get("verdict") == "fail":
        names = ", ".join(map(str, last.get("failed") or ["unknown"]))
        return f"the last check, of {_day(last)}, failed ({names})"
    device = last.get("device") or {}
    if device.get("serial_number") != identity.serial_number:
        serials = f"{device.get('serial_number')}, this is {identity.serial_number}"
        return f"the last check was of another device (serial {serials})"
    if device.get("firmware") != identity.firmware:
        return f"the firmware is now {identity.firmware}; {device.get('firmware')} was checked"
    if last.get("rig_sha256") != hashlib.sha256(rig_path.read_bytes()).hexdigest():
        return f"the rig file has changed since the last check, of {_day(last)}"
    return _age(records, rig, identity, today)


def _age(records: list[Record], rig: Rig, identity: Identity, today: date) -> str | None:
    """Judge the age of the last check under pressure of this very device."""
    full = [
        day
        for record in records
        if record.get("under_pressure")
        and not record.get("failed")
        and (record.get("device") or {}).get("serial_number") == identity.serial_number
        and (day := _day(record)) is not None
    ]
    if not full:
        return "this cuff has never been checked under pressure"
    days = (today - full[-1]).days
    if days > rig.cuff.doctor_days:
        return (
            f"the last check under pressure is {days} days old, {rig.cuff.doctor_days} are allowed"
        )
    if days < 0:
        return f"the last check under pressure is dated {full[-1]}, in the future: set the clock"
    return None


def _day(record: Record) -> date | None:
    try:
        return date.fromisoformat(str(record.get("date"))[:10])
    except ValueError:
        return None

"""Check a protocol with everything it refers to: all problems of all files at once."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hardware.limits import LEAST_MMHG, Limits
from scc_task.errors import FileProblem, FilesInvalid
from scc_task.protocol import check_names, check_timing, yaml_file
from scc_task.protocol.accepted import Accepted
from scc_task.protocol.calibration import Calibration
from scc_task.protocol.load import Attempt, Loaded, attempt_to_load, text_file
from scc_task.protocol.model import Protocol
from scc_task.protocol.rig import Rig
from scc_task.protocol.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An accepted calibration that the program found by itself, and in words which one it is."""

    calibration: Loaded[Accepted]
    source: str


FindCalibration = Callable[[Protocol, Rig, Limits], Found | None]
"""Finds the participant's accepted calibration, or raises `FilesInvalid` with the reason against it.

``None`` only for a simulated rig: then the emulated participant knows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A protocol that fits its texts, its rig and its calibration, and the limits that hold.

    ``calibration`` is the file that was given, ``found`` the accepted one that was found: never both.
    ``limits`` are the rig's (without a rig: the program's defaults), narrowed by the protocol's.
    """

    protocol: Loaded[Protocol]
    texts: Loaded[Texts]
    rig: Loaded[Rig] | None
    calibration: Loaded[Calibration] | None
    limits: Limits
    found: Found | None = None


def check_protocol(
    protocol_path: Path,
    rig_path: Path | None = None,
    calibration_path: Path | None = None,
    *,
    subject: str | None = None,
    emulate: bool = False,
    find: FindCalibration | None = None,
) -> Checked:
    """Return a protocol with all its files, checked against each other.

    Parameters
    ----------
    protocol_path, rig_path, calibration_path
        Texts are looked for beside the protocol. Without a rig the program's default limits
        hold. A rig with a real cuff needs a calibration when a pressure is given as a rating.
    subject
        Whom the run is for; a calibration of somebody else is refused.
    emulate
        Take the rig as if everything in it were emulated.
    find
        Asked for the accepted calibration when a rating is used and no calibration is given.

    Raises
    ------
    FilesInvalid
        With all problems of all files; then, if there are none, with what `find` refuses.
    """
    protocol = attempt_to_load(protocol_path, Protocol)
    rig = attempt_to_load(rig_path, Rig) if rig_path is not None else None
    if emulate and rig is not None and rig.loaded is not None:
        model = rig.loaded.model.as_emulated()
        rig = dataclasses.replace(rig, loaded=dataclasses.replace(rig.loaded, model=model))
    calibration = (
        attempt_to_load(calibration_path, Calibration) if calibration_path is not None else None
    )
    texts = _texts_of(protocol, protocol_path)
    problems = [p for a in (protocol, texts, rig, calibration) if a is not None for p in a.problems]

    if rig is not None and rig.loaded is not None:
        problems += vent_problems(rig.loaded)
    rig_limits = rig.loaded.model.limits.as_limits() if rig and rig.loaded else Limits()
    limits = rig_limits
    if protocol.tree is not None:
        texts_tree = texts.tree if texts is not None else None
        problems += check_names.check_names(protocol.tree, texts_tree, file=protocol.file)
    if protocol.loaded is not None:
        limits = protocol.loaded.model.limits.narrow(rig_limits)
        problems += _limits_problems(protocol.loaded, rig_limits, rig)
        problems += _pressure_problems(protocol.loaded, limits)
        problems += check_timing.check_timing(protocol.loaded, limits)
        if calibration is not None or find is None:
            problems += _calibration_problems(protocol.loaded, rig, calibration, limits)
    if texts is not None and texts.loaded is not None:
        problems += _language_problems(texts.loaded, text_path=Path(texts.file))
        if rig is not None and rig.loaded is not None:
            problems += grip_problems(rig.loaded.model, texts.loaded)
    if calibration is not None and calibration.loaded is not None:
        problems += _owner_problems(calibration.loaded, rig, subject)

    loaded_texts = texts.loaded if texts is not None else None
    if problems or protocol.loaded is None or loaded_texts is None:
        raise FilesInvalid(problems)
    found = None
    if find is not None and calibration is None and rig is not None and rig.loaded is not None:
        found = _found(find, protocol.loaded.model, rig.loaded.model, limits)
    return Checked(
        protocol=protocol.loaded,
        texts=loaded_texts,
        rig=rig.loaded if rig is not None else None,
        calibration=calibration.loaded if calibration is not None else None,
        limits=limits,
        found=found,
    )


def _found(find: FindCalibration, protocol: Protocol, rig: Rig, limits: Limits) -> Found | None:
    return find(protocol, rig, limits) if protocol.used_ratings() else None


def vent_problems(rig: Loaded[Rig]) -> list[FileProblem]:
    """Return whether a real cuff could stay inflated for ever. A simulation may use such a rig."""
    if not rig.model.presses_on_without_us:
        return []
    return [
        rig.problem(
            f"{rig.model.cuff.driver}: this device goes on pressing when the computer dies",
            ("cuff", "driver"),
            do="fit a normally-open dump valve with its own timer and write 'independent_vent: true'",
        )
    ]


def grip_problems(rig: Rig, texts: Loaded[Texts]) -> list[FileProblem]:
    """Return whether the participant has a grip, and nothing says that it has to be held."""
    if rig.responses.grip is None or "hold_grip" in texts.model.texts:
        return []
    what = (
        "the rig has a grip, but the texts lack 'hold_grip', which asks the participant to hold it"
    )
    return [texts.problem(what, ("texts",), do="add hold_grip: ... under 'texts'")]


def _texts_of(protocol: Attempt[Protocol], protocol_path: Path) -> Attempt[Texts] | None:
    language = protocol.tree.data.get("language") if protocol.tree is not None else None
    if not isinstance(language, str) or re.fullmatch("[A-Za-z0-9]{1,40}", language) is None:
        return None
    path = text_file(protocol_path, language)
    if path.is_file() or protocol.tree is None:
        return attempt_to_load(path, Texts)
    there = sorted(p.stem for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    place = protocol.tree.place(("language",))
    problem = FileProblem(
        f"language is '{language}', but there is no file {path}",
        file=protocol.file,
        line=place.line,
        column=place.column,
        do=f"write the texts there; languages that are there: {', '.join(there) or 'none'}",
    )
    return Attempt(file=str(path), tree=None, loaded=None, problems=(problem,))


def _language_problems(texts: Loaded[Texts], *, text_path: Path) -> list[FileProblem]:
    if texts.model.language == text_path.stem:
        return []
    what = f"language is '{texts.model.language}', but the file is called {text_path.name}"
    return [texts.problem(what, ("language",), do="rename the file or mend the word")]


def _limits_problems(
    protocol: Loaded[Protocol], rig_limits: Limits, rig: Attempt[Rig] | None
) -> list[FileProblem]:
    if rig is not None and rig.loaded is None:
        return []  # the rig's own problems come first
    whose = f"the rig's ({rig.file})" if rig is not None else "the program's default"
    found = []
    for name, asked in protocol.model.limits.asked_for().items():
        allowed = getattr(rig_limits, name)
        looser = asked < allowed if name == "gap_s" else asked > allowed
        if looser:
            what = f"{name} is {asked:g}, which is looser than {whose} {allowed:g}"
            do = f"a protocol may only be stricter: remove the line, or write {allowed:g} or "
            do += "more" if name == "gap_s" else "less"
            found.append(protocol.problem(what, ("limits", name), do=do))
    return found


def _pressure_problems(protocol: Loaded[Protocol], limits: Limits) -> list[FileProblem]:
    found = []
    for name, pressure in protocol.model.pressures.items():
        if pressure.mmhg is not None and not pressure.mmhg <= limits.ceiling_mmhg:
            what = f"{pressure.mmhg:.10g} mmHg is above the ceiling of {limits.ceiling_mmhg:g} mmHg"
            do = "lower the pressure; the ceiling is set in the rig file and under 'limits'"
            found.append(protocol.problem(what, ("pressures", name, "mmhg"), do=do))
        if pressure.mmhg is not None and not pressure.mmhg >= LEAST_MMHG:
            what = (
                f"{pressure.mmhg:g} mmHg is below {LEAST_MMHG:g} mmHg, where a cuff counts as empty"
            )
            do = f"write {LEAST_MMHG:g} or more, or leave the inflation out"
            found.append(protocol.problem(what, ("pressures", name, "mmhg"), do=do))
    return found


def _calibration_problems(
    protocol: Loaded[Protocol],
    rig: Attempt[Rig] | None,
    calibration: Attempt[Calibration] | None,
    limits: Limits,
) -> list[FileProblem]:
    found = []
    used = protocol.model.used_pressures()
    for name, pressure in protocol.model.pressures.items():
        if pressure.rating is None or name not in used:
            continue
        path = ("pressures", name, "rating")
        if calibration is None:
            if rig is not None and rig.loaded is not None and not rig.loaded.model.simulated:
                what = f"'{name}' is a rating of {pressure.rating:g}, but no calibration is given"
                do = "give the participant's calibration (--calibration FILE), or write {mmhg: ...}"
                found.append(protocol.problem(what, path, do=do))
        elif calibration.loaded is not None:
            found += _rating_problems(protocol, calibration.loaded, path, pressure.rating, limits)
    return found


def _rating_problems(
    protocol: Loaded[Protocol],
    calibration: Loaded[Calibration],
    path: yaml_file.Path,
    rating: float,
    limits: Limits,
) -> list[FileProblem]:
    entries = calibration.model.pressures
    position = next((i for i, entry in enumerate(entries) if entry.rating == rating), None)
    if position is None:
        there = " and ".join(f"{entry.rating:g}" for entry in entries)
        what = f"the calibration has {there}, the protocol asks for {rating:g}"
        do = f"calibrate at {rating:g}, or ask for a rating that {calibration.file} has"
        return [protocol.problem(what, path, do=do)]
    mmhg = entries[position].mmhg
    if mmhg <= limits.ceiling_mmhg:
        return []
    what = f"{mmhg:.10g} mmHg is above the ceiling of {limits.ceiling_mmhg:g} mmHg"
    do = "recalibrate, or ask for a lower rating; the ceiling is set in the rig file and under 'limits'"
    return [calibration.problem(what, ("pressures", position, "mmhg"), do=do)]


def _owner_problems(
    calibration: Loaded[Calibration], rig: Attempt[Rig] | None, subject: str | None
) -> list[FileProblem]:
    found = []
    model = calibration.model
    if subject is not None and model.subject != subject:
        what = f"this is the calibration of participant {model.subject}, the run is for {subject}"
        do = "give the calibration of this participant"
        found.append(calibration.problem(what, ("subject",), do=do))
    if rig is not None and rig.loaded is not None and model.site != rig.loaded.model.cuff.site:
        what = f"calibrated on the {model.site}, but the cuff of {rig.file} sits on the "
        what += rig.loaded.model.cuff.site
        do = "move the cuff and mend the rig file, or calibrate on this side"
        found.append(calibration.problem(what, ("site",), do=do))
    return found

"""Every broken file is refused with its place and a remedy."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from protocol_files import BROKEN

from scc_task.errors import FileProblem, FilesInvalid
from scc_task.protocol.check import check_protocol
from scc_task.protocol.load import load_calibration, load_protocol, load_rig

REAL_RIG = BROKEN / "rig_real.yaml"

# file, place, part of what is wrong, part of what to do
TABLE = [
    ("a_list", "1:1", "lines of 'name: value'", "version: 1"),
    ("a_rig_file", "1:1", "this is a rig file", "protocols/scc.yaml"),
    ("anchor", "20:21", "'&rest'", "write the value alone"),
    ("binary", "1:1", "binary", "text file"),
    ("bracket_not_closed", "6:10", "not closed", "'}' at the end"),
    ("comma_for_point", "6:17", "'1,5'", "1.5"),
    ("cues_alike", "11:15", "same shape, 'triangle'", "another shape"),
    ("cues_alike", "11:3", "'on' without quotes", '"on"'),
    ("duplicate_key", "4:1", "'name' is given twice (first in line 2)", "keep one"),
    ("empty", "1:1", "empty", "version: 1"),
    ("gap_too_short", "18:11", "as little as 16 s", "by 17 s or more"),
    ("incomplete_texts", "13:18", "no text 'begin'", "known texts"),
    ("indentation", "16:6", "does not line up", "spaces"),
    ("inflation_too_long", "18:38", "100 s is longer than the limit of 90 s", "90 s or shorter"),
    ("jitter_off_its_grid", "20:36", "22.2 s is not reached", "22 or 22.5"),
    ("jitter_without_step", "20:11", "'step' is missing", "step: 0.5"),
    ("latin1", "2:9", "not UTF-8", "UTF-8"),
    ("limits_looser_than_the_rig", "7:17", "gap_s is 10, which is looser", "30 or more"),
    ("many_at_once", "3:7", "'s c c'", "letters and digits only"),
    ("many_at_once", "13:18", "'beginn'", "did you mean 'begin'?"),
    ("many_at_once", "13:33", "-5 s", "in seconds"),
    ("many_at_once", "15:14", "'two'", "count: 8"),
    ("many_at_once", "18:11", "'infalte'", "did you mean 'inflate'?"),
    ("minutes_and_seconds", "20:21", "'1:30'", "write seconds as a plain number, e.g. 90"),
    ("missing_text", "13:18", "no text 'beginn'", "did you mean 'begin'?"),
    ("misspelt_verb", "18:11", "'infalte' is not a verb", "did you mean 'inflate'?"),
    ("negative_duration", "13:32", "-5 s, but must be more than 0 s", "for_s"),
    ("no_version", "1:1", "'version' is missing", "version: 1"),
    ("not_a_number", "13:32", "not a finite number", "for_s"),
    ("nothing_after_the_verb", "20:11", "nothing stands after 'fixation'", "write a value"),
    ("number_for_a_word", "4:11", "strategy is 7", '"7"'),
    ("only_comments", "1:1", "empty", "version: 1"),
    ("pressure_above_ceiling", "8:16", "280 mmHg is above the ceiling of 250 mmHg", "lower"),
    ("pressure_impossible", "8:16", "at most 300 mmHg", "mmhg: 120"),
    ("pulses_stop_misspelt", "6:54", "'halt'", "continue"),
    ("rating_without_calibration", "8:18", "no calibration is given", "--calibration"),
    ("tab", "20:1", "a tab", "use spaces"),
    ("too_few_volumes", "6:31", "123 s, but 100 volumes", "123 volumes or more"),
    ("trials_inside_trials", "19:11", "trials inside trials", "in one list"),
    ("two_documents", "9:1", "second document", "one document"),
    ("two_verbs", "13:11", "2 verbs: fixation, rate", "'- '"),
    ("unit_in_key", "19:36", "'for_ms'", "'for_s'"),
    ("unit_in_value", "19:43", "'8s'", "write the number alone, 8"),
    ("unknown_colour", "10:36", "'yelow'", "did you mean 'yellow'?"),
    ("unknown_cue", "17:31", "no cue 'comming'", "did you mean 'coming'?"),
    ("unknown_key", "3:1", "'tsk'", "did you mean 'task'?"),
    ("unknown_language", "5:11", "'eng'", "en, xx"),
    ("unknown_pressure", "18:25", "no pressure 'pian'", "did you mean 'pain'?"),
    ("unknown_scale", "19:25", "no scale 'intensty'", "did you mean 'intensity'?"),
    ("utf16", "1:1", "UTF-16", "UTF-8"),
    ("wrong_version", "1:10", "version 2", "'version: 1'"),
    ("yes_for_a_word", "4:11", "'yes' without quotes", '"yes"'),
]

NOT_PROTOCOLS = ("good", "rig_", "calibration")

JARGON = re.compile(
    r"Input should|validation error|pydantic|Traceback|union|tagged|None|dict|tuple"
    r"|\bstr\b|\bint\b|\bfloat\b"
)


def refusal(load: Callable[..., Any], *files: Path, **options: Any) -> FilesInvalid:
    with pytest.raises(FilesInvalid) as caught:
        load(*files, **options)
    return caught.value


def problems_of(load: Callable[..., Any], *files: Path) -> tuple[FileProblem, ...]:
    """Return what is wrong with the files, if anything; whatever else is raised is a fault."""
    try:
        load(*files)
    except FilesInvalid as error:
        return error.problems
    return ()


@pytest.mark.parametrize(("name", "place", "what", "do"), TABLE)
def test_a_broken_file_is_refused_at_its_place_with_a_remedy(
    name: str, place: str, what: str, do: str
) -> None:
    file = BROKEN / f"{name}.yaml"
    problems = refusal(check_protocol, file, REAL_RIG).problems
    there = [p for p in problems if p.where == f"{file}:{place}" and what in p.what]
    assert there, "\n".join(map(str, problems))
    assert do in there[0].do


def test_every_broken_protocol_stands_in_the_table() -> None:
    there = {p.stem for p in BROKEN.glob("*.yaml") if not p.stem.startswith(NOT_PROTOCOLS)}
    assert there == {name for name, *_ in TABLE}
    assert len(there) >= 20


@pytest.mark.parametrize("file", sorted(BROKEN.glob("*.yaml")), ids=lambda p: p.stem)
@pytest.mark.parametrize("load", [load_protocol, load_rig, load_calibration, check_protocol])
def test_no_message_has_jargon_and_every_one_has_a_place(
    load: Callable[[Path], Any], file: Path
) -> None:
    for problem in problems_of(load, file):
        assert problem.line is not None
        assert problem.column is not None
        assert problem.do
        assert not JARGON.search(str(problem).replace(str(BROKEN), "")), str(problem)


def test_one_slip_gives_one_message() -> None:
    for name in ("unknown_key", "unit_in_key", "misspelt_verb", "nothing_after_the_verb", "tab"):
        assert len(refusal(check_protocol, BROKEN / f"{name}.yaml").problems) == 1


def test_problems_of_protocol_and_texts_are_told_together() -> None:
    files = {p.file for p in refusal(check_protocol, BROKEN / "incomplete_texts.yaml").problems}
    assert files == {str(BROKEN / "incomplete_texts.yaml"), str(BROKEN / "text" / "xx.yaml")}


def test_a_file_that_is_not_there_is_named_with_its_nearest_neighbour() -> None:
    problem = refusal(load_rig, BROKEN / "rig_rael.yaml").problems[0]
    assert "rig_real.yaml" in problem.do


def test_a_folder_is_no_file() -> None:
    assert "folder" in refusal(load_protocol, BROKEN).problems[0].what

"""What a calibration protocol refuses, with its place and a remedy."""

from pathlib import Path

import pytest
from calibration_bench import PROTOCOLS

from scc_task.errors import FileProblem, FilesInvalid
from scc_task.protocol.load import load_calibration, load_calibration_protocol, load_protocol

TEXT = (PROTOCOLS / "calibration.yaml").read_text(encoding="utf-8")
FIXED = (PROTOCOLS / "calibration-fixed.yaml").read_text(encoding="utf-8")


def problems(folder: Path, old: str, new: str, *, text: str = TEXT) -> tuple[FileProblem, ...]:
    assert text.count(old) == 1, old
    path = folder / "made.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(FilesInvalid) as caught:
        load_calibration_protocol(path)
    return caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "what", "do"),
    [
        ("procedure: ascent", "procedure: ascend", "'ascend'", "did you mean 'ascent'?"),
        ("procedure: ascent", "procedure: fixed", "'fixed' are missing", "add the block 'fixed:'"),
        ("target: 40 ", "target: 35 ", "35 is not among the targets", "add 35 to 'targets'"),
        ("target: 40 ", "target: 5 ", "at least 10", "target: 40"),
        ("[20, 40, 60]", "[20, 60, 40]", "target 40 does not rise", "rising order"),
        ("[20, 40, 60]", "[40, 100]", "a target of 100 cannot be found", "below 100"),
        ("  rest_s: 30 ", "  rest_s: 10 ", "at least 30", "rest_s: 30"),
        ("  hold_s: 15 ", "  hold_s: 200 ", "at most 180", "hold_s: 15"),
        ("  cue: pressure_on", "  cue: pressure", "no cue 'pressure'", "pressure_on"),
        ("  step_mmhg: 20 ", "  step_mmhg: 60 ", "at most 40 mmHg", "step_mmhg: 20"),
        ("soft_cap_mmhg: 250", "soft_cap_mmhg: 280", "at most 250 mmHg", "soft_cap_mmhg: 250"),
        ("hard_cap_mmhg: 300", "hard_cap_mmhg: 350", "at most 300 mmHg", "hard_cap_mmhg: 300"),
        ("hard_cap_mmhg: 300", "hard_cap_mmhg: 200", "below the soft cap", "250 or more"),
        ("stop_rating: 80 ", "stop_rating: 90 ", "at most 80", "stop_rating: 80"),
        ("stop_rating: 80 ", "stop_rating: 40 ", "not below the stop rating", "lower the target"),
        ("{mmhg: 60, hold_s", "{mmhg: 120, hold_s", "at most 80 mmHg", "mmhg: 60"),
        ("fine_mmhg: 10 ", "fine_mmhg: 30 ", "larger than the coarse one", "20 or less"),
        ("fine_from: 20", "fine_form: 20", "'fine_form' is not", "did you mean 'fine_from'?"),
        ("adaptive: true", "adaptive: maybe", "neither true nor false", "true or false"),
        ("\nconfirm:\n", "\nconfrim:\n", "'confrim' is not", "did you mean 'confirm'?"),
        ("  points: 4 ", "  points: 4.5 ", "not a whole number", "points: 4"),
        ("\nestimate:\n", "\nfixed: {levels_mmhg: [60, 80, 100], until: 60}\nestimate:\n",
         "'fixed' does nothing", "remove the block"),
    ],
)  # fmt: skip
def test_a_slip_is_refused_at_its_place_with_a_remedy(
    tmp_path: Path, old: str, new: str, what: str, do: str
) -> None:
    found = [p for p in problems(tmp_path, old, new) if what in p.what]
    assert found, [str(p) for p in problems(tmp_path, old, new)]
    assert do in found[0].do
    assert found[0].line is not None
    assert found[0].column is not None


@pytest.mark.parametrize(
    ("new", "what"),
    [
        ("[60, 90, 120, 140]", "90 mmHg cannot be reached from 60 mmHg by steps of 20 mmHg"),
        ("[60, 80, 80]", "80 mmHg does not rise"),
        ("[60, 80]", "too few entries"),
    ],
)
def test_levels_that_cannot_be_given_in_any_order_are_refused(
    tmp_path: Path, new: str, what: str
) -> None:
    old = "[60, 80, 100, 120, 140, 160, 180, 200, 220, 240]"
    found = problems(tmp_path, old, new, text=FIXED)
    assert any(what in p.what for p in found), [str(p) for p in found]


@pytest.mark.parametrize(
    ("old", "new", "what", "do"),
    [
        ("  inflations: 20 ", "  inflations: 5 ", "5 inflations are never enough", "write 6 or more"),
        ("  points: 4 ", "  points: 20 ", "at least 22, of which 'points'", "write 22 or more"),
        ("  step_mmhg: 20 ", "  step_mmhg: 4 ", "at least 5 mmHg", "step_mmhg: 20"),
        ("coarse_mmhg: 20 ", "coarse_mmhg: 4 ", "at least 5 mmHg", "coarse_mmhg: 20"),
        ("fine_mmhg: 10 ", "fine_mmhg: 4 ", "at least 5 mmHg", "fine_mmhg: 10"),
        ("start_mmhg: 60 ", "start_mmhg: 15 ", "at least 20 mmHg", "start_mmhg: 60"),
        ("start_mmhg: 60 ", "start_mmhg: 62.5 ", "62.5 mmHg is not given", "write 60 or 65"),
        ("{mmhg: 60, hold_s", "{mmhg: 62, hold_s", "62 mmHg is not given", "write 60 or 65"),
        ("  hold_s: 15 ", "  hold_s: 0.1 ", "at least 1", "hold_s: 15"),
        ("for_s: 8}", "for_s: 0.5}", "nobody can rate within 0.5 s", "write 2 or more"),
        ("insufficient_below: 30", "insufficient_below: 50", "rise ends at 45", "write 45 or less"),
        ("  step_mmhg: 10 ", "  step_mmhg: 2 ", "at least 5 mmHg", "step_mmhg: 10"),
    ],
)  # fmt: skip
def test_numbers_that_could_only_end_in_vain_are_refused(
    tmp_path: Path, old: str, new: str, what: str, do: str
) -> None:
    found = [p for p in problems(tmp_path, old, new) if what in p.what]
    assert found, [str(p) for p in problems(tmp_path, old, new)]
    assert do in found[0].do


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        ("threshold", "  trials: 10 ", "  trials: 30 ", "20 inflations are never enough"),
        ("fixed", "[60, 80, 100, 120,", "[62, 80, 100, 120,", "62 mmHg is not given"),
        ("fixed", "[60, 80, 100, 120, 140, 160, 180, 200, 220, 240]", "[60, 80, 100]",
         "4 ratings are needed, but there are 3 levels"),
        ("regression", "[1.25, 1.5, 1.75, 1.5]", "[]", "too few entries"),
        ("regression", "[1.25, 1.5, 1.75, 1.5]", "[-1, 1.5]", "more than 0"),
        ("regression", "[30, 200]", "[200, 30]", "cannot be searched from 200 to 30 mmHg"),
        ("regression", "[40, 60] ", "[10, 60] ", "at least 20 mmHg"),
    ],
)  # fmt: skip
def test_numbers_of_the_other_procedures_are_held_to_sense_too(
    tmp_path: Path, name: str, old: str, new: str, what: str
) -> None:
    whole = (PROTOCOLS / f"calibration-{name}.yaml").read_text(encoding="utf-8")
    found = problems(tmp_path, old, new, text=whole)
    assert any(what in p.what for p in found), [str(p) for p in found]


def test_no_pain_at_all_never_confirms_a_target(tmp_path: Path) -> None:
    low = TEXT.replace("target: 40 ", "target: 10 ").replace("[20, 40, 60]", "[10, 20, 60]")
    low = low.replace("insufficient_below: 30", "insufficient_below: 10")
    (found,) = problems(tmp_path, "  within: 10 ", "  within: 10.0 ", text=low)
    assert "no pain at all would confirm the target" in found.what


def test_other_kinds_of_files_are_told_apart() -> None:
    for load, file, words in (
        (load_calibration_protocol, "scc.yaml", "this is a protocol file"),
        (load_calibration_protocol, "calibration-example.yaml", "this is a calibration file"),
        (load_protocol, "calibration.yaml", "this is a calibration protocol file"),
        (load_calibration, "calibration.yaml", "this is a calibration protocol file"),
    ):
        with pytest.raises(FilesInvalid) as caught:
            load(PROTOCOLS / file)
        assert words in str(caught.value)

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
        ("[60, 90, 120]", "90 mmHg cannot be reached from 60 mmHg by steps of 20 mmHg"),
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

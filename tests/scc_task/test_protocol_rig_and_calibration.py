"""Rig and calibration files: what they refuse and what they offer."""

from pathlib import Path

import pytest
from protocol_files import BROKEN, PROTOCOLS, RIGS
from test_protocol_broken_files import refusal

from hardware.limits import Limits
from scc_task.protocol.check import check_protocol
from scc_task.protocol.load import load_calibration, load_rig

REAL = ["cpar.yaml", "devicehost.yaml", "reference.yaml"]
REFUSED = ["alicat.yaml", "contact.yaml"]

RIG = """version: 1
name: room
cuff: {driver: reference, port: PORT, site: left calf}
scanner: SCANNER
responses: {answers: ANSWERS, left: [b], right: [c], confirm: [a], stop: STOP}
screen: {number: 0, fullscreen: false, size_px: [1024, 768]}
limits: {ceiling_mmhg: 250, inflation_s: 90, gap_s: 30, session_inflated_s: 1200, session_inflations: 60}
supervisor: {patience_s: 0.5}
"""


def rig_file(
    folder: Path,
    *,
    port: str = "emulated",
    scanner: str = '{trigger: keyboard, key: "5"}',
    answers: str = "keyboard",
    stop: str = "[d]",
) -> Path:
    text = RIG.replace("PORT", port).replace("SCANNER", scanner)
    path = folder / "rig.yaml"
    path.write_text(text.replace("ANSWERS", answers).replace("STOP", stop))
    return path


def test_the_default_rig_is_simulated_and_has_the_default_limits() -> None:
    rig = load_rig(RIGS / "simulated.yaml").model
    assert rig.simulated
    assert rig.scanner.emulated
    assert rig.limits.as_limits() == Limits()
    assert (rig.responses.rating_step, rig.responses.speed_per_s) == (1, 40.0)


def test_only_the_templates_move_a_real_cuff() -> None:
    real = [path.name for path in sorted(RIGS.glob("*.yaml")) if is_real(path)]
    assert real == sorted([*REAL, *REFUSED])


def is_real(path: Path) -> bool:
    return not load_rig(path).model.simulated


@pytest.mark.parametrize("name", REFUSED)
def test_a_device_without_a_watchdog_is_refused_until_somebody_else_can_empty_the_cuff(
    tmp_path: Path, name: str
) -> None:
    practice = PROTOCOLS / "practice.yaml"
    problem = refusal(check_protocol, practice, RIGS / name).problems[0]
    assert "goes on pressing when the computer dies" in problem.what
    assert problem.line > 1
    path = tmp_path / name
    text = (RIGS / name).read_text("utf-8")
    path.write_text(text.replace("# independent_vent: true", "independent_vent: true"), "utf-8")
    check_protocol(practice, path)


@pytest.mark.parametrize("name", REFUSED)
def test_a_simulation_may_use_a_rig_that_a_run_may_not(name: str) -> None:
    checked = check_protocol(PROTOCOLS / "demo.yaml", RIGS / name, emulate=True)
    assert checked.rig is not None
    assert checked.rig.model.simulated
    assert checked.rig.model.responses.answers == "emulated"


def test_a_device_port_belongs_to_devicehost_and_to_no_other_driver(tmp_path: Path) -> None:
    text = (RIGS / "devicehost.yaml").read_text("utf-8")
    assert load_rig(RIGS / "devicehost.yaml").model.cuff.device_port == "COM8"
    path = tmp_path / "rig.yaml"
    path.write_text(text.replace("  device_port: COM8", "  # nothing"), "utf-8")
    assert "'device_port' is missing" in refusal(load_rig, path).problems[0].what
    path.write_text(text.replace("driver: devicehost", "driver: cpar"), "utf-8")
    assert "does not fit the driver cpar" in refusal(load_rig, path).problems[0].what
    path.write_text(text.replace("COM8", "/dev/ttyUSB0"), "utf-8")
    assert refusal(load_rig, path).problems


@pytest.mark.parametrize(
    ("cuff", "part"),
    [
        ("{driver: contact, port: emulated, site: left calf}", "'line' is missing"),
        ("{driver: cpar, line: rts, port: emulated, site: left calf}", "does not fit the driver"),
        ("{driver: contact, line: cts, port: emulated, site: left calf}", "cts"),
    ],
)
def test_a_contact_has_a_line_and_nothing_else_has(tmp_path: Path, cuff: str, part: str) -> None:
    path = rig_file(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], f"cuff: {cuff}\n", *lines[3:]]))
    problems = refusal(load_rig, path).problems
    assert [p for p in problems if part in p.what and p.line == 3], problems


def test_an_emulated_contact_needs_no_other_valve(tmp_path: Path) -> None:
    path = rig_file(tmp_path)
    path.write_text(
        path.read_text().replace("driver: reference,", "driver: contact, line: dtr,"), "utf-8"
    )
    assert load_rig(path).model.cuff.line == "dtr"


def test_a_real_cuff_takes_no_emulated_answers(tmp_path: Path) -> None:
    problem = refusal(load_rig, rig_file(tmp_path, port="COM4", answers="emulated")).problems[0]
    assert "never mixed" in problem.what
    assert (problem.line, problem.column) == (5, 22)


def test_a_real_cuff_takes_no_emulated_scanner(tmp_path: Path) -> None:
    scanner = '{trigger: serial, port: emulated, byte: "5"}'
    problem = refusal(load_rig, rig_file(tmp_path, port="COM4", scanner=scanner)).problems[0]
    assert "made-up pulses" in problem.what
    assert problem.line == 4


@pytest.mark.parametrize(
    ("stop", "part"),
    [
        ("[a]", "key 'a' stands under 'confirm' already"),
        ('["5"]', "key '5' is the scanner's trigger"),
        ("[escape]", "belongs to the operator"),
        ("[5]", "5 without quotes"),
        ("[]", "too few entries"),
    ],
)
def test_a_key_has_one_meaning(tmp_path: Path, stop: str, part: str) -> None:
    problems = refusal(load_rig, rig_file(tmp_path, stop=stop)).problems
    assert [p for p in problems if part in p.what and p.line == 5], problems


@pytest.mark.parametrize(
    ("scanner", "part"),
    [
        ("{trigger: serial, port: COM3}", "'byte' is missing"),
        ('{trigger: serial, byte: "5"}', "'port' is missing"),
        ('{trigger: keyboard, key: "5", byte: "5"}', "'byte' does not fit a keyboard trigger"),
    ],
)
def test_a_trigger_has_what_it_needs_and_no_more(tmp_path: Path, scanner: str, part: str) -> None:
    problems = refusal(load_rig, rig_file(tmp_path, scanner=scanner)).problems
    assert [p for p in problems if part in p.what and p.line == 4], problems


def test_all_problems_of_a_rig_are_told_at_once() -> None:
    problems = refusal(load_rig, BROKEN / "rig_broken.yaml").problems
    assert {p.line for p in problems} == {2, 3, 4, 5, 6, 7, 8}
    text = "\n".join(map(str, problems))
    assert "did you mean 'left calf'" in text
    assert "1200 (20min is 1200 s)" in text
    assert "at most 300 mmHg" in text


def test_a_calibration_knows_exact_ratings_only() -> None:
    calibration = load_calibration(PROTOCOLS / "calibration-example.yaml").model
    assert calibration.mmhg_for(40) == 140
    assert calibration.mmhg_for(45) is None


def test_a_calibration_that_lacks_the_rating_says_what_it_has() -> None:
    file = BROKEN / "rating_without_calibration.yaml"
    problems = refusal(
        check_protocol, file, BROKEN / "rig_real.yaml", BROKEN / "calibration.yaml"
    ).problems
    assert problems[0].where == f"{file}:8:18"
    assert problems[0].what == "the calibration has 30 and 50, the protocol asks for 40"


def test_a_calibration_of_somebody_else_is_refused() -> None:
    problems = refusal(
        check_protocol,
        PROTOCOLS / "scc.yaml",
        RIGS / "simulated.yaml",
        PROTOCOLS / "calibration-example.yaml",
        subject="02",
    ).problems
    assert "participant 01, the run is for 02" in problems[0].what


def test_a_calibration_of_the_other_leg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    text = (PROTOCOLS / "calibration-example.yaml").read_text()
    path.write_text(text.replace("site: left calf", "site: right calf"))
    problems = refusal(
        check_protocol, PROTOCOLS / "scc.yaml", RIGS / "simulated.yaml", path
    ).problems
    assert "calibrated on the right calf" in problems[0].what


def test_a_calibrated_pressure_above_the_ceiling_is_refused_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    text = (PROTOCOLS / "calibration-example.yaml").read_text()
    path.write_text(text.replace("mmhg: 140", "mmhg: 270").replace("mmhg: 160", "mmhg: 280"))
    problems = refusal(
        check_protocol, PROTOCOLS / "scc.yaml", RIGS / "simulated.yaml", path
    ).problems
    assert [p.what for p in problems] == ["270 mmHg is above the ceiling of 250 mmHg"]
    assert problems[0].file == str(path)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("calibration_broken", "'31.01.2026' is not a date"),
        ("calibration_broken", "'01' without quotes"),
        ("calibration_falling", "does not fit 120 mmHg for rating 30"),
    ],
)
def test_an_odd_calibration_is_refused(name: str, part: str) -> None:
    problems = refusal(load_calibration, BROKEN / f"{name}.yaml").problems
    assert any(part in p.what for p in problems)


def test_one_rating_is_given_once(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    text = (PROTOCOLS / "calibration-example.yaml").read_text()
    path.write_text(text.replace("rating: 30", "rating: 40"))
    assert "given twice" in refusal(load_calibration, path).problems[0].what


@pytest.mark.parametrize(
    ("scanner", "key"),
    [
        ("{trigger: keyboard}", "5"),
        ('{trigger: keyboard, key: "t"}', "t"),
        ('{trigger: serial, port: emulated, byte: "5"}', None),
    ],
)
def test_a_keyboard_trigger_types_5_unless_the_rig_says_otherwise(
    tmp_path: Path, scanner: str, key: str | None
) -> None:
    assert load_rig(rig_file(tmp_path, scanner=scanner)).model.scanner.trigger_key == key

"""The parts `markers` and `lsl` of a rig file: what they offer and what they refuse, with its place."""

from pathlib import Path

import pytest
import yaml
from protocol_files import RIGS, ROOT
from test_protocol_broken_files import refusal

from scc_task.protocol.load import load_rig
from scc_task.protocol.rig import Rig
from scc_task.protocol.rig_markers import DEFAULT_CODES, MarkerKind


def rig_with(folder: Path, entry: str, *, real: bool = False) -> Path:
    name = "reference" if real else "keyboard"
    path = folder / "rig.yaml"
    path.write_text((RIGS / f"{name}.yaml").read_text("utf-8") + f"\nmarkers:\n  - {entry}\n")
    return path


def loaded(folder: Path, entry: str) -> Rig:
    return load_rig(rig_with(folder, entry)).model


def test_a_rig_has_no_markers_and_no_streams_unless_it_says_so() -> None:
    rig = load_rig(RIGS / "simulated.yaml").model
    assert rig.markers == ()
    assert not rig.lsl


def test_an_output_without_codes_has_the_default_ones(tmp_path: Path) -> None:
    (output,) = loaded(tmp_path, "{to: serial, port: COM7}").markers
    assert output.table() == dict(DEFAULT_CODES)
    assert output.pulse_ms == 10


def test_only_markers_with_a_code_are_sent(tmp_path: Path) -> None:
    entry = "{to: parallel, port: /dev/parport0, codes: {vent: 4, inflate: 200}}"
    (output,) = loaded(tmp_path, entry).markers
    assert output.table() == {MarkerKind.INFLATE: 200, MarkerKind.VENT: 4}


def test_a_line_has_events_and_no_codes(tmp_path: Path) -> None:
    (some,) = loaded(tmp_path, "{to: line, port: COM7, line: dtr, events: [vent, cue]}").markers
    assert some.table() == {MarkerKind.CUE: 1, MarkerKind.VENT: 1}
    (every,) = loaded(tmp_path, "{to: line, port: COM7, line: rts}").markers
    assert set(every.table()) == set(MarkerKind)


@pytest.mark.parametrize(
    ("entry", "what", "do"),
    [
        ("{to: serial, port: COM7, codes: {cue: 1, vent: 1}}", "code 1 means 'cue' already", "own"),
        ("{to: serial, port: COM7, codes: {cue: 256}}", "at most 255", "1 to 255"),
        ("{to: serial, port: COM7, codes: {cue: 0}}", "at least 1", "1 to 255"),
        ("{to: serial, port: COM7, codes: {infalte: 1}}", "'infalte'", "'inflate'"),
        ("{to: serial, port: COM7, codes: {}}", "no marker has a code", "inflate: 2"),
        ("{to: serial, port: COM7, pulse_ms: 201}", "at most 200", "pulse_ms"),
        ("{to: serial, port: COM7, line: rts}", "'line' does not fit", "remove it"),
        ("{to: line, port: COM7}", "'line' is missing", "line: rts"),
        ("{to: line, port: COM7, line: rts, events: [vnet]}", "'vnet'", "'vent'"),
        ("{to: line, port: COM7, line: rts, pulse_ms: 0}", "is none", "pulse_ms: 10"),
        ("{to: parallel, port: emulated}", "no emulated parallel", "to: serial"),
        ("{to: ttl, port: COM7}", "'ttl'", "serial, parallel, line"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    tmp_path: Path, entry: str, what: str, do: str
) -> None:
    path = rig_with(tmp_path, entry)
    (problem,) = refusal(load_rig, path).problems
    assert what in problem.what
    assert do in problem.do
    assert problem.line == len(path.read_text().splitlines())


@pytest.mark.parametrize("port", ["COM4", "com4"])
def test_the_cuffs_port_takes_no_markers(tmp_path: Path, port: str) -> None:
    path = rig_with(tmp_path, f"{{to: serial, port: {port}}}", real=True)
    path.write_text(path.read_text("utf-8").replace("port: /dev/ttyUSB0 ", "port: COM4 "), "utf-8")
    assert load_text_port(path) == "COM4"
    (problem,) = refusal(load_rig, path).problems
    assert "the port of the cuff already" in problem.what


def load_text_port(path: Path) -> str:
    """Return the cuff's port as it stands in a rig file."""
    cuff = yaml.safe_load(path.read_text("utf-8"))["cuff"]
    return str(cuff["port"])


def test_the_scanners_port_takes_no_markers(tmp_path: Path) -> None:
    text = (RIGS / "simulated.yaml").read_text("utf-8")
    assert "  port: emulated\n  byte:" in text
    path = tmp_path / "rig.yaml"
    text = text.replace("  port: emulated\n  byte:", "  port: COM9\n  byte:")
    path.write_text(text + "\nmarkers:\n  - {to: line, port: COM9, line: rts}\n", "utf-8")
    (problem,) = refusal(load_rig, path).problems
    assert "the port of the scanner's trigger already" in problem.what


def test_two_recorders_have_two_ports(tmp_path: Path) -> None:
    path = rig_with(tmp_path, "{to: serial, port: COM7}\n  - {to: line, port: COM7, line: rts}")
    (problem,) = refusal(load_rig, path).problems
    assert "recorder 1" in problem.what


def test_a_real_cuff_takes_no_emulated_recorder(tmp_path: Path) -> None:
    path = rig_with(tmp_path, "{to: serial, port: emulated}", real=True)
    (problem,) = refusal(load_rig, path).problems
    assert "nobody would record" in problem.what


def test_the_example_of_the_manual_is_good(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "markers.md").read_text("utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "rig.yaml"
    path.write_text((RIGS / "keyboard.yaml").read_text("utf-8") + "\n" + example, "utf-8")
    rig = load_rig(path).model
    assert [output.to for output in rig.markers] == ["serial", "parallel", "line"]
    assert rig.lsl

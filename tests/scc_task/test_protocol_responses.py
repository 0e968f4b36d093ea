"""The block ``responses`` of a rig, numeric scales and ratings under pressure: what is taken and refused."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_files import BROKEN, PROTOCOLS, RIGS, plan_of, protocol_with
from test_protocol_broken_files import refusal
from typer.testing import CliRunner

from hardware.limits import Limits
from hardware.triggers.serial_byte import USB_LATENCY_MS
from scc_task import cli
from scc_task.plan.compile import compile_plan, unresolved
from scc_task.plan.steps import StepKind, TrialType
from scc_task.protocol.check import check_protocol
from scc_task.protocol.load import load_rig, load_texts
from scc_task.protocol.rig_responses import Responses
from scc_task.record.validate import validate_dataset
from scc_task.responses import Action, key_map

SERIAL = '{answers: serial, port: COM5, left: ["1"], right: ["2"], confirm: ["3"], stop: ["4"]'
KEYS = "{answers: keyboard, left: [left], right: [right], confirm: [return], stop: [s]"

WHO = ("--subject", "01", "--session", "pre")


def rig_with(folder: Path, responses: str) -> Path:
    """Write the keyboard rig with other responses."""
    plain = (RIGS / "keyboard.yaml").read_text("utf-8")
    before, rest = plain.split("responses:")
    path = folder / "rig.yaml"
    path.write_text(
        f"{before}responses: {responses}\n\n{rest[rest.index('screen:') :]}", encoding="utf-8"
    )
    return path


def responses_of(folder: Path, responses: str) -> Responses:
    return load_rig(rig_with(folder, responses)).model.responses


def test_a_serial_box_has_names_that_no_keyboard_has(tmp_path: Path) -> None:
    box = responses_of(tmp_path, SERIAL + ', grip: g, release: {g: G, "1": A}}')
    assert box.keys("left") == ("serial_1",)
    assert box.grip_key == "serial_g"
    assert box.release == {"g": "G", "1": "A"}
    assert box.action_of("1") is None  # typed by the operator, it means nothing


def test_a_held_button_may_be_silent_for_a_repeat_and_an_adapters_timer(tmp_path: Path) -> None:
    silent_s = 1 / 30 + USB_LATENCY_MS / 1000
    assert responses_of(tmp_path, SERIAL + "}").window_s > silent_s + 0.009
    assert responses_of(tmp_path, SERIAL + ", repeat_s: 0.25}").window_s == 0.25


def test_a_box_that_never_repeats_has_only_bounces_to_be_told_apart(tmp_path: Path) -> None:
    box = responses_of(tmp_path, SERIAL + ", repeat_s: 0}")
    assert not box.box_repeats
    assert box.window_s == box.bounce_s + USB_LATENCY_MS / 1000


def test_a_mouse_has_buttons_only_to_confirm_and_stop(tmp_path: Path) -> None:
    mouse = responses_of(tmp_path, "{answers: mouse, confirm: [button_left], stop: [button_right]}")
    assert mouse.keys("confirm") == ("button_left",)


@pytest.mark.parametrize(
    ("responses", "what", "do"),
    [
        (KEYS + ", port: COM5}", "'port' does not fit 'answers: keyboard'", "answers: serial"),
        (KEYS + ", end_to_end_px: 500}", "'end_to_end_px' does not fit", "answers: mouse"),
        (KEYS + ", grip: s}", "key 's' stands under 'stop' already", "one meaning"),
        (KEYS + ', grip: "5"}', "key '5' is the scanner's trigger", "another key"),
        (KEYS + ", grip: escape}", "the Escape key belongs to the operator", "another key"),
        (KEYS + ", bounce_s: 0.2}", "bounce_s is 0.2 s", "0.01"),
        (KEYS.replace("[s]", "[S]") + "}", "'S' is no key", "lower case: s"),
        (KEYS.replace("left: [left], ", "") + "}", "'left' has too few entries", "left: [left]"),
        (SERIAL.replace(" port: COM5,", "") + "}", "'port' is missing", "port: COM5"),
        (
            SERIAL.replace('["1"]', "[left]") + "}",
            "'left' is more than the one character",
            "quotes",
        ),
        (SERIAL + ", repeat_s: 0.04}", "'repeat_s: 0.04' is too tight", "write 0.07"),
        (SERIAL + ", grip: g, repeat_s: 0}", "a grip with 'repeat_s: 0'", "have the box repeat"),
        (SERIAL + ", repeat_s: 0.6}", "repeat_s is 0.6", "0.07"),
        (SERIAL + ', release: {"1": "2"}}', "key '2' stands under 'right' already", "one meaning"),
        (SERIAL + ', release: {"9": A}}', "no button sends '9'", "when it is pressed"),
        (
            "{answers: mouse, left: [left], confirm: [button_left], stop: [button_right]}",
            "'left' does not fit a mouse",
            "remove it",
        ),
        ("{answers: mouse, confirm: [return], stop: [s]}", "'return' is no button", "button_left"),
        (KEYS.replace("keyboard", "tricorder") + "}", "not one of ours", "known values"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    tmp_path: Path, responses: str, what: str, do: str
) -> None:
    problems = refusal(load_rig, rig_with(tmp_path, responses)).problems
    assert any(what in p.what and do in (p.do or "") for p in problems), problems


def test_a_button_box_does_not_share_the_triggers_port(tmp_path: Path) -> None:
    path = rig_with(tmp_path, SERIAL + "}")
    text = path.read_text("utf-8")
    start, end = text.index("scanner:"), text.index("responses:")
    trigger = 'scanner: {trigger: serial, port: COM5, byte: "5"}\n'
    path.write_text(text[:start] + trigger + text[end:], "utf-8")
    (problem,) = refusal(load_rig, path).problems
    assert "COM5 is the port of the scanner's trigger" in problem.what


def test_a_rig_with_a_grip_needs_a_text_that_asks_for_it(tmp_path: Path) -> None:
    rig = rig_with(tmp_path, KEYS + ", grip: g}")
    protocol = protocol_with(tmp_path, "run:\n  - fixation: 5\n")
    (problem,) = refusal(check_protocol, protocol, rig).problems
    assert "lack 'hold_grip'" in problem.what
    assert check_protocol(PROTOCOLS / "continuous.yaml", rig).rig is not None


@given(
    keys=st.lists(st.sampled_from("abcdefghij0123456789"), min_size=5, max_size=5, unique=True),
    trigger=st.sampled_from("abcdefghij0123456789"),
)
def test_no_answer_is_ever_a_trigger(keys: list[str], trigger: str) -> None:
    left, right, confirm, stop, grip = keys
    made = key_map(
        left=(left,), right=(right,), confirm=(confirm,), stop=(stop,), grip=grip, trigger=trigger
    )
    assert made.action(trigger) is Action.PULSE
    assert made.action(f"num_{trigger}") is Action.PULSE
    assert trigger not in {key for key, action in made.actions.items() if action != Action.PULSE}


SCALE = "{question: How strong?, low: none, high: most"


def texts_with(folder: Path, scale: str) -> Path:
    path = folder / "en.yaml"
    text = (BROKEN / "text" / "en.yaml").read_text("utf-8")
    path.write_text(f"{text[: text.index('scales:')]}scales:\n  pain: {scale}\n", "utf-8")
    return path


def test_a_scale_may_go_from_0_to_10(tmp_path: Path) -> None:
    texts = load_texts(texts_with(tmp_path, SCALE + ", start: 5, from: 0, to: 10}")).model
    assert (texts.scales["pain"].lowest, texts.scales["pain"].highest) == (0, 10)


@pytest.mark.parametrize(
    ("ends", "what", "do"),
    [
        ("start: 50, from: 0, to: 10", "begins at 50", "from 0 to 10"),
        ("start: 5, from: 10, to: 5", "does not rise", "larger"),
        ("start: 5, to: 200", "to is 200, but must be at most 100", "to: 10"),
        ("start: 5, to: 7.5", "not a whole number", "to: 10"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(
    tmp_path: Path, ends: str, what: str, do: str
) -> None:
    (problem,) = refusal(load_texts, texts_with(tmp_path, f"{SCALE}, {ends}}}")).problems
    assert what in problem.what
    assert do in (problem.do or "")


def test_an_inflation_may_be_rated_all_the_while() -> None:
    plan = plan_of("continuous")
    step = plan.inflations[0]
    assert (step.kind, step.trial_type, step.scale, step.cue) == (
        StepKind.INFLATE,
        TrialType.PAIN,
        "pain_now",
        None,
    )
    assert plan.marker_start(step) == 0
    assert plan.scale("intensity_0_10").highest == 10


@pytest.mark.parametrize(
    ("rate", "what"),
    [
        ("rate: {scale: intensty}", "no scale 'intensty'"),
        ("rate: intensity", "where a block of"),
        ("cue: coming, rate: {scale: intensity}", "either a cue or a scale"),
        ("rate: {}", "'scale' is missing"),
        ("rate: {scale: intensity, for_s: 3}", "'for_s' is not a key"),
    ],
)
def test_a_rating_under_pressure_that_does_not_fit_is_refused(
    tmp_path: Path, rate: str, what: str
) -> None:
    file = protocol_with(tmp_path, f"run:\n  - inflate: {{to: pain, for_s: 15, {rate}}}\n")
    problems = refusal(check_protocol, file).problems
    assert any(what in p.what for p in problems), problems


def test_a_calibration_refuses_a_scale_that_does_not_go_to_100(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "en.yaml").write_bytes((PROTOCOLS / "text" / "en.yaml").read_bytes())
    text = (PROTOCOLS / "calibration.yaml").read_text("utf-8")
    file = tmp_path / "calibration.yaml"
    file.write_text(text.replace("scale: intensity", "scale: intensity_0_10"), "utf-8")
    shown = CliRunner().invoke(
        cli.app, ["calibrate", str(file), "--simulate", "--data", str(tmp_path / "data"), *WHO]
    )
    words = shown.output + str(shown.exception)
    assert "goes from 0 to 10" in words


@pytest.mark.parametrize(
    ("grip", "words"),
    [
        ("", "none: nothing has to be held"),
        (", grip: g", "emulated, g, to be held from time zero on; to let go stops the run"),
    ],
)
def test_journal_and_sidecar_say_whether_the_participant_had_a_grip(
    tmp_path: Path, grip: str, words: str
) -> None:
    rig, data = rig_with(tmp_path, f"{KEYS}{grip}}}"), tmp_path / "data"
    arguments = [str(PROTOCOLS / "continuous.yaml"), "--rig", str(rig), "--data", str(data)]
    shown = CliRunner().invoke(cli.app, ["simulate", *arguments, "--run", "1"])
    assert shown.exit_code == 0, shown.output
    (journal,) = data.rglob("*_journal.jsonl")
    assert json.loads(journal.read_bytes().splitlines()[0][9:])["provenance"]["grip"] == words
    (sidecar,) = data.rglob("*_events.json")
    assert json.loads(sidecar.read_text("utf-8"))["Provenance"]["Sources"]["grip"] == words


def test_a_simulated_run_rates_under_pressure_and_from_0_to_10(tmp_path: Path) -> None:
    arguments = [str(PROTOCOLS / "continuous.yaml"), "--data", str(tmp_path), "--run", "1"]
    assert CliRunner().invoke(cli.app, ["simulate", *arguments]).exit_code == 0
    func = tmp_path / "sub-01" / "ses-pre" / "func"
    stem = "sub-01_ses-pre_task-continuous_run-1"
    sidecar = json.loads((func / f"{stem}_recording-rating_physio.json").read_text("utf-8"))
    assert sidecar["Columns"] == ["rating_pain_now"]
    data = gzip.decompress((func / f"{stem}_recording-rating_physio.tsv.gz").read_bytes())
    rows = data.decode().split("\n")
    plan = compile_plan(
        check_protocol(PROTOCOLS / "continuous.yaml").protocol.model,
        load_texts(PROTOCOLS / "text" / "en.yaml").model,
        limits=Limits(),
        seed=0,
        resolve=unresolved,
    )
    for step in plan.inflations:
        first, last = round(step.onset_s * 50), round(step.end_ms / 1000 * 50)
        assert rows[first - 2] == rows[last + 2] == "n/a"
        given_s = [int(cell) for cell in rows[first + 1 : last - 1]]
        assert given_s[0] == 0
        assert given_s[-1] > 10
    events = (func / f"{stem}_events.tsv").read_text("utf-8").splitlines()
    asked = [row.split("\t") for row in events if "intensity_0_10" in row]
    assert len(asked) == 2
    assert all(0 <= int(row[-3]) <= 10 for row in asked)
    assert validate_dataset(tmp_path) == []

"""Reading files: what YAML means here, what is shipped, and that nothing else is ever raised."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol_files import BROKEN, PROTOCOLS, RIGS, ROOT, protocol_with
from test_protocol_broken_files import problems_of, refusal

from scc_task.protocol.check import check_protocol
from scc_task.protocol.load import (
    load_calibration,
    load_calibration_protocol,
    load_faults,
    load_protocol,
    load_rig,
    load_texts,
)
from scc_task.protocol.schema import schema_texts
from scc_task.protocol.texts import REQUIRED_TEXTS
from scc_task.protocol.yaml_file import read_tree
from scc_task.protocol.yaml_scalars import plain_value

SHIPPED = ("continuous", "demo", "practice", "scc", "scc_neutral", "sync_test")
CALIBRATIONS = (
    "calibration",
    "calibration-threshold",
    "calibration-staircase",
    "calibration-regression",
    "calibration-fixed",
)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("rig", ["simulated", "keyboard", "reference"])
def test_every_shipped_protocol_fits_every_shipped_rig(name: str, rig: str) -> None:
    calibration = PROTOCOLS / "calibration-example.yaml"
    checked = check_protocol(
        PROTOCOLS / f"{name}.yaml", RIGS / f"{rig}.yaml", calibration, subject="01"
    )
    assert checked.protocol.model.name == name
    assert checked.calibration is not None


def test_every_shipped_file_is_tested() -> None:
    there = {p.stem for p in PROTOCOLS.glob("*.yaml")}
    assert there == {*SHIPPED, *CALIBRATIONS, "calibration-example", "faults-example"}


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_every_shipped_calibration_protocol_fits_its_texts(name: str) -> None:
    protocol = load_calibration_protocol(PROTOCOLS / f"{name}.yaml").model
    assert protocol.name == name
    texts = load_texts(PROTOCOLS / "text" / f"{protocol.language}.yaml").model
    assert set(protocol.instructions) <= set(texts.texts)
    assert protocol.rating.scale in texts.scales


def test_the_neutral_run_differs_from_the_self_compassion_run_in_its_instruction_only() -> None:
    one = load_protocol(PROTOCOLS / "scc.yaml").model.model_dump()
    other = load_protocol(PROTOCOLS / "scc_neutral.yaml").model.model_dump()
    assert other["run"][1]["show"].pop("text") == "neutral"
    assert one["run"][1]["show"].pop("text") == "self_compassion"
    assert {k for k in one if one[k] != other[k]} == {"name", "strategy"}


def test_german_has_every_text_and_scale_of_english() -> None:
    english = load_texts(PROTOCOLS / "text" / "en.yaml").model
    german = load_texts(PROTOCOLS / "text" / "de.yaml").model
    assert set(german.texts) == set(english.texts) >= set(REQUIRED_TEXTS)
    assert set(german.scales) == set(english.scales)
    assert {n: s.start for n, s in german.scales.items()} == {
        n: s.start for n, s in english.scales.items()
    }


def test_the_schemas_are_up_to_date() -> None:
    for name, text in schema_texts().items():
        stored = (PROTOCOLS / "schema" / name).read_text(encoding="utf-8")
        assert stored == text, f"{name}: write it again with 'run_task.py schema'"


def test_every_file_names_a_schema_that_is_there() -> None:
    for path in [*PROTOCOLS.rglob("*.yaml"), *RIGS.glob("*.yaml")]:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (path.parent / first.partition("$schema=")[2]).is_file(), path


def test_what_was_read_can_be_recorded_byte_by_byte() -> None:
    path = PROTOCOLS / "text" / "de.yaml"
    loaded = load_texts(path)
    assert loaded.text.encode("utf-8") == path.read_bytes()
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    raw = (PROTOCOLS / "scc.yaml").read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + raw)
    loaded = load_protocol(path)
    assert loaded.model == load_protocol(PROTOCOLS / "scc.yaml").model
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.tree.place(("name",)).line == 6


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_an_unquoted_word_means_what_it_says(word: str, value: Any) -> None:
    found = plain_value(word)
    assert found == value
    assert type(found) is type(value)


def test_limits_of_a_protocol_narrow_those_of_the_rig(tmp_path: Path) -> None:
    path = protocol_with(
        tmp_path, "run: [{fixation: 5}]\n", head="limits: {ceiling_mmhg: 150, gap_s: 40}\n"
    )
    limits = check_protocol(path, RIGS / "simulated.yaml").limits
    assert (limits.ceiling_mmhg, limits.gap_s, limits.inflation_s) == (150, 40, 90)


def test_a_gap_is_judged_by_the_shortest_jitters(tmp_path: Path) -> None:
    run = (
        "run:\n  - trials:\n      count: 4\n      each:\n"
        "        - inflate: {to: pain, for_s: 5}\n"
        "        - fixation: {from: 32, to: 60, step: 1}\n"
    )
    problem = refusal(check_protocol, protocol_with(tmp_path, run)).problems[0]
    assert "as little as 32 s" in problem.what
    check_protocol(protocol_with(tmp_path, run.replace("from: 32", "from: 33")))


def test_a_gap_between_two_blocks_is_judged_too(tmp_path: Path) -> None:
    run = (
        "run:\n  - inflate: {to: pain, for_s: 5}\n  - fixation: 12\n"
        "  - trials: {count: 1, each: [{inflate: {to: pain, for_s: 5}}]}\n"
    )
    problem = refusal(check_protocol, protocol_with(tmp_path, run)).problems[0]
    assert "as little as 12 s" in problem.what


def test_too_many_inflations_for_a_session_are_refused(tmp_path: Path) -> None:
    run = (
        "run:\n  - trials: {count: 61, each: [{inflate: {to: pain, for_s: 20}}, {fixation: 33}]}\n"
    )
    text = str(refusal(check_protocol, protocol_with(tmp_path, run, volumes=9000)))
    assert "61 inflations in one run" in text
    assert "1220 s inflated in one run" in text


def test_stored_dummies_count_among_the_volumes(tmp_path: Path) -> None:
    head = "scanner: {tr_s: 2.0, volumes: 9, dummies: {count: 5, kind: stored}}\n"
    problem = refusal(
        check_protocol, protocol_with(tmp_path, "run: [{fixation: 10}]\n", head=head)
    ).problems[0]
    assert "20 s, but 9 volumes of 2 s last 18 s" in problem.what
    for kind in ("silent", "discarded"):
        head = f"scanner: {{tr_s: 2.0, volumes: 9, dummies: {{count: 5, kind: {kind}}}}}\n"
        check_protocol(protocol_with(tmp_path, "run: [{fixation: 10}]\n", head=head))


def test_the_examples_of_the_manual_are_good_files(tmp_path: Path) -> None:
    blocks = [
        block
        for page in ("protocol.md", "rig.md")
        for block in re.findall(
            r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL
        )
        if "version: 1" in block
    ]
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "en.yaml").write_bytes((PROTOCOLS / "text" / "en.yaml").read_bytes())
    for load, block in zip(
        (check_protocol, load_calibration, load_texts, load_rig), blocks, strict=True
    ):
        path = tmp_path / "example.yaml"
        path.write_text(block, encoding="utf-8")
        assert problems_of(load, path) == ()


def test_a_language_that_is_no_file_name_is_refused_in_words(tmp_path: Path) -> None:
    for language in ("e" * 400, "../en", '"a\\0b"'):
        path = tmp_path / "odd.yaml"
        path.write_text(GOOD.replace("language: en", f"language: {language}"))
        assert problems_of(check_protocol, path)


GOOD = (BROKEN / "good.yaml").read_text()
WORDS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "-",
    "?",
    "|",
    "'",
    "&a",
    "*a",
    "!!str",
    "run",
    "trials",
    "null",
    "1:30",
    "yes",
    ".nan",
    "-1",
    "0",
    "1e308",
    "<<:",
    "true",
]
FRAGMENTS = st.sampled_from(
    [*WORDS, '"', "\n", "  ", "\t", "---\n", "\ufeff", "\x85", "\u2028", "9" * 400]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.binary(max_size=80) | st.text(max_size=80).map(lambda t: t.encode("utf-8", "ignore")))
@pytest.mark.parametrize("load", [load_protocol, load_rig, load_texts, load_calibration])
def test_any_bytes_are_read_or_refused_and_nothing_else(
    tmp_path: Path, load: Any, raw: bytes
) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(raw)
    assert all(p.line and p.column and p.do for p in problems_of(load, path))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200
)
@given(
    start=st.integers(0, len(GOOD)),
    length=st.integers(0, 12),
    pieces=st.lists(FRAGMENTS, max_size=4),
)
def test_a_good_file_damaged_anywhere_is_read_or_refused(
    tmp_path: Path, start: int, length: int, pieces: list[str]
) -> None:
    path = tmp_path / "damaged.yaml"
    path.write_bytes((GOOD[:start] + "".join(pieces) + GOOD[start + length :]).encode())
    (tmp_path / "text").mkdir(exist_ok=True)
    (tmp_path / "text" / "en.yaml").write_bytes((BROKEN / "text" / "en.yaml").read_bytes())
    assert all(p.line and p.column and p.do for p in problems_of(check_protocol, path))


@pytest.mark.parametrize(
    "raw", [b"[" * 5000, b"- " * 5000, b"{a: " * 5000, b"? " * 5000, b"a" * 2_000_000]
)
def test_a_hostile_file_is_refused_without_harm(raw: bytes) -> None:
    tree, problems = read_tree("hostile.yaml", raw)
    assert tree is None
    assert len(problems) == 1


def test_the_example_of_a_fault_script_is_one() -> None:
    faults = load_faults(PROTOCOLS / "faults-example.yaml").model.as_faults()
    assert [fault.kind for fault in faults] == ["leak", "drop"]

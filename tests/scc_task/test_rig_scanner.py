"""The part ``scanner`` of a rig file: each kind of trigger has what it needs, and nothing else."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter
from test_protocol_broken_files import refusal
from test_protocol_rig_and_calibration import rig_file

from hardware.triggers import TriggerAddress
from scc_task.address import emulated_trigger, trigger_of
from scc_task.protocol.base import Model
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig_responses import Responses
from scc_task.protocol.rig_scanner import ScannerRig
from scc_task.protocol.yaml_file import read_tree


def scanner_of(folder: Path, text: str) -> ScannerRig:
    return load_rig(rig_file(folder, scanner=text)).model.scanner


@pytest.mark.parametrize(
    ("block", "name"),
    [
        (block, name)
        for block in (ScannerRig, Responses)
        for name, field in block.model_fields.items()
        if field.examples
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_the_advice_shows_is_accepted_as_it_is_written(block: type[Model], name: str) -> None:
    field = block.model_fields[name]
    (example,) = field.examples or ()
    tree, problems = read_tree("rig.yaml", f"{name}: {example}\n".encode())
    assert not problems
    assert tree is not None
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    TypeAdapter(kind).validate_python(tree.data[name], strict=True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            '{trigger: serial, port: COM4, byte: "s", baud: 9600}',
            TriggerAddress(kind="serial", port="COM4", baud=9600, byte="s", edge="rising"),
        ),
        (
            "{trigger: modem_line, port: COM4, line: dcd, edge: falling}",
            TriggerAddress(kind="modem_line", port="COM4", baud=115200, line="dcd", edge="falling"),
        ),
        (
            "{trigger: parallel, port: /dev/parport0, pin: 11}",
            TriggerAddress(
                kind="parallel", port="/dev/parport0", baud=115200, pin=11, edge="rising"
            ),
        ),
        (
            '{trigger: lsl, stream: Scanner, marker: "volume"}',
            TriggerAddress(kind="lsl", port="Scanner", baud=115200, marker="volume", edge="rising"),
        ),
        (
            '{trigger: lsl, stream: Scanner, marker: "5", source_id: box-1}',
            TriggerAddress(
                kind="lsl",
                port="Scanner",
                baud=115200,
                marker="5",
                edge="rising",
                source_id="box-1",
            ),
        ),
    ],
)
def test_each_kind_of_trigger_can_be_written(
    tmp_path: Path, text: str, address: TriggerAddress
) -> None:
    scanner = scanner_of(tmp_path, text)
    assert trigger_of(scanner, scanner.source) == address
    assert not scanner.emulated
    assert scanner.as_emulated().emulated


def test_a_keyboard_stays_a_keyboard_when_everything_is_emulated(tmp_path: Path) -> None:
    scanner = scanner_of(tmp_path, '{trigger: keyboard, key: "t"}')
    assert scanner.as_emulated() == scanner
    assert scanner.source == ""


@pytest.mark.parametrize(
    ("text", "what", "do"),
    [
        ('{trigger: serial, port: COM4, byte: "55"}', "55", "in quotes"),
        ("{trigger: modem_line, port: COM4}", "'line' is missing", "line: cts"),
        ("{trigger: modem_line, line: cts}", "'port' is missing", "port: emulated"),
        ("{trigger: parallel, port: /dev/parport0}", "'pin' is missing", "pin: 10"),
        ('{trigger: lsl, marker: "5"}', "an lsl trigger needs it", "stream: emulated"),
        ("{trigger: lsl, stream: Scanner}", "'marker' is missing", 'marker: "5"'),
        (
            "{trigger: modem_line, port: COM4, line: cts, pin: 10}",
            "'pin' does not fit a modem_line trigger",
            "has port, line and edge",
        ),
        (
            '{trigger: serial, port: COM4, byte: "5", edge: rising}',
            "'edge' does not fit a serial trigger",
            "has port, byte and baud",
        ),
        ("{trigger: modem_line, port: COM4, line: rts}", "rts", "cts"),
        ("{trigger: parallel, port: /dev/parport0, pin: 2}", "2", "10"),
        ("{trigger: cable}", "cable", "modem_line"),
        (
            '{trigger: serial, port: COM4, byte: "5", source_id: box}',
            "'source_id' does not fit a serial trigger",
            "has port, byte and baud",
        ),
        (
            '{trigger: lsl, stream: emulated, marker: "5", source_id: box}',
            "an emulated stream has a name of its own",
            "name the real stream",
        ),
    ],
)
def test_what_is_missing_or_does_not_fit_is_refused_with_what_to_write(
    tmp_path: Path, text: str, what: str, do: str
) -> None:
    (problem,) = refusal(load_rig, rig_file(tmp_path, scanner=text)).problems
    assert what in problem.what
    assert do in f"{problem.what} {problem.do}"
    assert problem.line is not None


def test_a_real_cuff_with_an_emulated_stream_is_refused_where_it_is_written(
    tmp_path: Path,
) -> None:
    stream = '{trigger: lsl, stream: emulated, marker: "5"}'
    (problem,) = refusal(load_rig, rig_file(tmp_path, port="COM4", scanner=stream)).problems
    assert "made-up pulses are never mixed" in problem.what
    assert problem.line == 4


@pytest.mark.parametrize(
    "text",
    [
        '{trigger: serial, port: emulated, byte: "5"}',
        "{trigger: modem_line, port: emulated, line: ri, edge: falling}",
        "{trigger: parallel, port: emulated, pin: 15}",
        '{trigger: lsl, stream: emulated, marker: "volume"}',
    ],
)
def test_an_emulated_scanner_is_asked_for_what_the_rig_listens_to(
    tmp_path: Path, text: str
) -> None:
    scanner = scanner_of(tmp_path, text)
    assert scanner.emulated
    options = emulated_trigger(scanner)
    asked = dict(zip(options[::2], options[1::2], strict=True))
    for name in ("byte", "line", "edge", "pin", "marker"):
        value = getattr(scanner, name)
        assert asked.get(f"--{name}") == (None if value is None else str(value))
    assert asked["--trigger"] == scanner.trigger
    assert asked.get("--stream", "emulated-") != "emulated"

"""A port has one owner and a key one meaning, however they are spelled."""

from pathlib import Path

import pytest
from protocol_files import RIGS

from scc_task.errors import FilesInvalid
from scc_task.protocol.load import load_rig
from scc_task.protocol.rig_ports import same_port


def refusal(folder: Path, rig: str, *changes: tuple[str, str]) -> str:
    text = (RIGS / f"{rig}.yaml").read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    path = folder / "room.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(FilesInvalid) as caught:
        load_rig(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("COM5", "com5"),
        ("COM12", "\\\\.\\COM12"),
        ("/dev/ttyUSB0", "/dev/../dev/ttyUSB0"),
        ("/dev/ttyUSB0", " /dev/ttyUSB0 "),
    ],
)
def test_spellings_of_one_port_are_one_port(one: str, other: str) -> None:
    assert same_port(one) == same_port(other)


def test_a_link_to_a_port_is_that_port(tmp_path: Path) -> None:
    (tmp_path / "port").touch()
    (tmp_path / "link").symlink_to(tmp_path / "port")
    assert same_port(str(tmp_path / "link")) == same_port(str(tmp_path / "port"))
    assert same_port("COM1") != same_port("COM2")


def test_no_trigger_is_on_the_port_of_a_cuff(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        "reference",
        ("trigger: keyboard ", "trigger: modem_line\n  port: /dev/../dev/ttyUSB0\n  line: cts #"),
        ('  key: "5"', "  edge: rising"),
    )
    assert "is the port of the cuff already" in said


def test_no_trigger_is_on_the_port_of_the_device_behind_devicehost(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        "devicehost",
        ("trigger: keyboard ", 'trigger: serial\n  port: com8\n  byte: "5" #'),
        ('  key: "5"', "  # key"),
    )
    assert "CPAR+ behind DeviceHost" in said


@pytest.mark.parametrize(
    ("port", "what"),
    [
        ("loop://", "'loop:' is not known"),
        ("spy:///dev/ttyUSB0", "'spy:' is not known"),
        ("socket://127.0.0.1", "no address with a host and a port's number"),
        ("socket://127.0.0.1:99999", "no address with a host and a port's number"),
        ("socket:/127.0.0.1:7000", "no address with a host and a port's number"),
        ("socket:127.0.0.1:7000", "no address with a host and a port's number"),
        ("rfc2217://bar", "does not fit the cuff: it takes bytes alone"),
    ],
)
def test_an_address_that_no_device_has_is_refused_where_it_stands(
    tmp_path: Path, port: str, what: str
) -> None:
    said = refusal(tmp_path, "reference", ("port: /dev/ttyUSB0", f"port: {port}"))
    assert what in said
    assert "room.yaml:11:9:" in said
    assert "write the port's name, as COM4 or /dev/ttyUSB0, or socket://HOST:PORT" in said


def test_a_line_is_on_a_port_server_with_its_address_whole(tmp_path: Path) -> None:
    trigger = ("trigger: keyboard ", "trigger: modem_line\n  port: {}\n  line: cts #")
    edge = ('  key: "5"', "  edge: rising")
    for port, what in (
        ("rfc2217://bar", "no address with a host and a port's number"),
        ("socket://127.0.0.1:7000", "a plain socket has no lines"),
    ):
        said = refusal(tmp_path, "reference", (trigger[0], trigger[1].format(port)), edge)
        assert what in said
        assert "rfc2217://HOST:PORT" in said
    text = (RIGS / "reference.yaml").read_text("utf-8").replace(*edge)
    path = tmp_path / "room.yaml"
    good = trigger[1].format("rfc2217://box-3:7000?ign_set_control")
    path.write_text(text.replace(trigger[0], good), "utf-8")
    assert load_rig(path).model.scanner.port == "rfc2217://box-3:7000?ign_set_control"


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("stop: [d]", "stop: [num_5]", "the scanner's trigger"),
        ("left: [b]", "left: ['1', num_1]", "stands under"),
        ("stop: [d]", "stop: [spacebar]", "write space"),
        ("stop: [d]", "stop: ['.']", "on any keyboard"),
        ("stop: [d]", "stop: [retrun]", "write return"),
        ("stop: [d]", "stop: [no]", "write n, or another key: 'no' is what YAML has for false"),
        ("stop: [d]", "stop: ['yes']", "write y, or another key: 'yes' is what YAML has for true"),
        ("stop: [d]", "stop: [xq]", "write a letter, a digit in quotes"),
        ("stop: [d]", "stop: [d]\n  grip: num_5", "the scanner's trigger"),
        ('key: "5"', "key: trigger", "on any keyboard"),
    ],
)
def test_a_key_has_one_meaning_and_exists(
    tmp_path: Path, before: str, after: str, what: str
) -> None:
    assert what in refusal(tmp_path, "reference", (before, after))

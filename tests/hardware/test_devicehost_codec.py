"""DeviceHost's statements: golden text, any split, several answers at once, nothing half-read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codec import devicehost
from hardware.codec import devicehost_table as table
from hardware.codec.devicehost_messages import (
    Answer,
    BadRequest,
    Corrupt,
    Done,
    Heard,
    Instruction,
    Rating,
    Refused,
    Request,
    Signals,
    Start,
    State,
    Waveform,
    Who,
)
from hardware.errors import CodecError

flag = st.booleans()
tenths = st.integers(-99, 1200)
words = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
states = st.builds(
    State,
    state=st.sampled_from([s for s in table.STATES if s != table.DOUBLED_STIMULATING]),
    response_connected=flag,
    response_low=flag,
    power=flag,
    start_possible=flag,
    supply_ok=flag,
    stop_condition=words,
    final_tenths=st.tuples(tenths, tenths),
    supply_tenths=st.integers(0, 99999),
)
signals = st.builds(
    Signals, st.lists(st.tuples(tenths, tenths, st.integers(0, 100)), max_size=6).map(tuple)
)
answers = st.one_of(
    st.just(Done()),
    st.builds(Refused, words),
    st.builds(Who, st.just("CPAR+"), words),
    st.builds(Rating, st.integers(0, 100), st.integers(0, 100), flag, flag),
    states,
    signals,
)
STATE = State("STATE_IDLE", True, True, True, True, True, "0", (0, 0), 6000)
INFLATION = (
    Instruction("INC", 100, 2000),
    Instruction("STEP", 200, 13000),
    Instruction("STEP", 0, 60000),
)


def heard(data: bytes) -> list[object]:
    return list(devicehost.ResponseDecoder().receive(data))


def test_the_golden_requests() -> None:
    encode = devicehost.encode_request
    assert encode(Request("CREATE"), "COM8") == (
        b"START;\nUSE SERVER;\nCMD CREATE;\nPORT COM8;\nDEVICE CPARPLUS;\nEND;\n"
    )
    assert encode(Request("OPEN"), "COM8") == b"START;\nUSE PORT COM8 CPARPLUS;\nCMD OPEN;\nEND;\n"
    assert encode(Waveform(0, INFLATION), "COM8") == (
        b"START;\nUSE PORT COM8 CPARPLUS;\nCMD WAVEFORM;\nCHANNEL 0;\nREPEAT 1;\nINSTRUCTIONS 3;\n"
        b"INC 100 2000;\nSTEP 200 13000;\nSTEP 0 60000;\nEND;\n"
    )


def test_an_outlet_is_counted_from_one_and_a_channel_from_zero() -> None:
    sent = devicehost.encode_request(Start((0, table.NO_CHANNEL)), "COM8")
    assert b"OUTLET01 1;\nOUTLET02 0;" in sent
    assert b"OUTLET01 2;\nOUTLET02 0;" in devicehost.encode_request(Start((1, -1)), "COM8")
    assert devicehost.RequestDecoder().receive(sent) == [Heard("COM8", Start((0, -1)))]


@pytest.mark.parametrize(
    "request_",
    [
        Waveform(0, (Instruction("STEP", 1001, 1000), Instruction("STEP", 0, 10))),
        Waveform(0, (Instruction("INC", 600, 2000), Instruction("STEP", 0, 10))),
        Waveform(0, (Instruction("STEP", 100, 1000), Instruction("DEC", 200, 1000))),
        Waveform(0, (Instruction("STEP", 100, 1005), Instruction("STEP", 0, 10))),
        Waveform(0, (Instruction("STEP", 100, 1000),)),
        Waveform(0, (Instruction("STEP", 100, 1000), Instruction("STEP", 0, 600_000))),
        Waveform(2, (Instruction("STEP", 0, 10),)),
        Waveform(0, ()),
        Waveform(0, (Instruction("STEP", 0, 10),) * (table.MOST_INSTRUCTIONS + 1)),
        Start((2, 0)),
        Start((0, -1), criterion=3),
    ],
)
def test_what_the_device_could_not_do_or_would_not_end_is_never_encoded(
    request_: Waveform | Start,
) -> None:
    with pytest.raises(CodecError):
        devicehost.encode_request(request_, "COM8")


@given(answers)
def test_an_answer_survives_its_own_encoding(answer: Answer) -> None:
    assert heard(devicehost.encode_response(answer)) == [answer]


@given(st.lists(answers, min_size=1, max_size=4), st.integers(1, 9))
def test_words_split_over_reads_and_several_answers_in_one_read_are_the_same(
    many: list[Answer], piece: int
) -> None:
    wire = b"".join(devicehost.encode_response(answer) for answer in many)
    decoder = devicehost.ResponseDecoder()
    pieces = [wire[at : at + piece] for at in range(0, len(wire), piece)]
    assert [found for data in pieces for found in decoder.receive(data)] == many
    assert heard(wire) == many


def test_the_state_is_read_as_documented_and_as_the_source_writes_it() -> None:
    documented = (
        b"START;\nSTATE STATE_IDLE;\nRESPONSE_CONNECTED 1;\nRESPONSE_LOW 1;\nPOWER 1;\n"
        b"START_POSSIBLE 1;\nSTOP_CONDITION 0;\nFINAL_PRESSURE01 0;\nFINAL_PRESSURE02 0;\n"
        b"SUPPLY_PRESSURE_OK 1;\nSUPPLY_PRESSURE 6000;\nEND;\n"
    )
    written = (
        documented.replace(b"RESPONSE_LOW 1", b"RESPONSE_OK True")
        .replace(b"STOP_CONDITION", b"CONDITION")
        .replace(b"POWER 1", b"POWER True")
        .replace(b"\n", b"\r\n")
    )
    assert heard(documented) == heard(written) == [STATE]


@pytest.mark.parametrize("word", [b"STATE_STATE_STIMULATING", b"STATE_STIMULATING"])
def test_the_doubled_word_and_the_single_one_mean_the_same(word: bytes) -> None:
    (state,) = heard(devicehost.encode_response(STATE).replace(b"STATE_IDLE", word))
    assert isinstance(state, State)
    assert state.state == table.STIMULATING


def test_samples_are_read_with_blanks_and_with_commas() -> None:
    assert heard(b"START;\nDATA 186 0 12;\nDATA 187,-1,12;\nEND;\n") == [
        Signals(((186, 0, 12), (187, -1, 12)))
    ]
    assert heard(b"START;\nEND;\n") == [Signals(())]


def test_a_packet_with_more_samples_than_fit_comes_in_pieces_and_none_is_lost() -> None:
    many = tuple((n % 900, 0, 0) for n in range(2 * table.MOST_SAMPLES + 7))
    found = heard(devicehost.encode_response(Signals(many)))
    pieces = [f for f in found if isinstance(f, Signals)]
    assert tuple(s for piece in pieces for s in piece.samples) == many
    assert [piece.complete for piece in pieces] == [False, False, True]


def test_an_error_is_an_answer_and_semicolons_may_be_missing() -> None:
    assert heard(b"START;\r\nERR DeviceClosed;\r\nEND;\r\n") == [Refused("DeviceClosed")]
    assert heard(b"START\nERR DeviceClosed;\nEND\n") == [Refused("DeviceClosed")]


@pytest.mark.parametrize(
    "packet",
    [
        b"OK;\n",
        b"END;\n",
        b"START;\nOK;\nOK;\nEND;\n",
        b"START;\nOK 1;\nEND;\n",
        b"START;\nDATA 1 2;\nEND;\n",
        b"START;\nDATA 1 2 3;\nOK;\nEND;\n",
        b"START;\nDATA 12345 0 0;\nEND;\n",
        b"START;\nSTATE STATE_IDLE;\nEND;\n",
        b"START;\nERR;\nEND;\n",
        b"START;\nHELLO 1;\nEND;\n",
        b"START;\n\xff\xfe;\nEND;\n",
        b"START;\nVERSION " + b"9" * 200 + b";\nEND;\n",
        devicehost.encode_response(STATE).replace(b"POWER 1", b"POWER 2"),
        devicehost.encode_response(STATE).replace(b"STATE_IDLE", b"STATE_SLEEPING"),
    ],
)
def test_what_is_not_an_answer_is_evidence_and_never_a_number(packet: bytes) -> None:
    found = heard(packet)
    assert found
    assert all(isinstance(f, Corrupt) for f in found)


def test_a_torn_packet_is_said_and_the_next_one_is_read() -> None:
    whole = devicehost.encode_response(Signals(((1, 2, 3),)))
    torn, answer = heard(whole[: len(whole) // 2] + b"\n" + whole)
    assert isinstance(torn, Corrupt)
    assert answer == Signals(((1, 2, 3),))


def test_requests_that_are_none_are_named_as_devicehost_names_them() -> None:
    decoder = devicehost.RequestDecoder()
    assert decoder.receive(b"START;\nCMD STOP;\nEND;\n") == [BadRequest("MissingUseStatement")]
    use = b"START;\nUSE PORT COM8 CPARPLUS;\n"
    assert decoder.receive(use + b"CMD DANCE;\nEND;\n") == [BadRequest("UnknownCommand")]
    broken = use + b"CMD WAVEFORM;\nCHANNEL 0;\nREPEAT 1;\nINSTRUCTIONS 2;\nSTEP 1 10;\nEND;\n"
    assert decoder.receive(broken) == [BadRequest("InvalidInteger")]

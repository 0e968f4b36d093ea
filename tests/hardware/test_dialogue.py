"""The conversation: one command in flight, retries with the same number, nothing after a vent."""

import itertools

import pytest

from hardware.codec import cuff1
from hardware.dialogue import ANSWER_S, TRIES, Dialogue, Outcome, refusal_text
from hardware.errors import CodecError


def outcomes(dialogue: Dialogue, data: bytes, now_s: float) -> list[Outcome]:
    return [event for event in dialogue.receive(data, now_s) if isinstance(event, Outcome)]


def test_one_command_is_in_flight_at_a_time() -> None:
    dialogue = Dialogue()
    dialogue.submit("PING")
    dialogue.submit("END")
    assert dialogue.outgoing(0.0)[0] == cuff1.encode_command(1, "PING")
    assert dialogue.outgoing(0.01)[0] == b""
    (outcome,) = outcomes(dialogue, cuff1.encode_ack(cuff1.Ack(1, 0, 0)), 0.02)
    assert outcome.name == "PING"
    assert dialogue.outgoing(0.02)[0] == cuff1.encode_command(2, "END")


def test_a_lost_answer_is_asked_for_again_with_the_same_number() -> None:
    dialogue = Dialogue()
    dialogue.submit("GO", 1400, 15000, 0)
    first = dialogue.outgoing(0.0)[0]
    assert dialogue.outgoing(ANSWER_S)[0] == first


def test_a_silent_device_ends_the_command_after_its_tries() -> None:
    dialogue = Dialogue()
    dialogue.submit("PING")
    sent = [dialogue.outgoing(i * ANSWER_S) for i in range(TRIES + 1)]
    outcome = sent[-1][1]
    assert outcome is not None
    assert outcome.answer is None
    assert "did not answer PING" in refusal_text(outcome)


def test_a_late_answer_to_an_older_command_is_not_taken_for_the_new_one() -> None:
    dialogue = Dialogue()
    dialogue.submit("PING")
    dialogue.submit("END")
    dialogue.outgoing(0.0)
    outcomes(dialogue, cuff1.encode_ack(cuff1.Ack(1, 0, 0)), 0.01)
    dialogue.outgoing(0.01)
    assert outcomes(dialogue, cuff1.encode_ack(cuff1.Ack(1, 0, 0)), 0.02) == []


def test_nothing_queued_follows_a_vent() -> None:
    dialogue = Dialogue()
    dialogue.submit("ARM", 2500)
    dialogue.outgoing(0.0)
    dialogue.submit("GO", 1400, 15000, 0)
    dialogue.clear()
    assert dialogue.outgoing(1.0) == (b"", None)
    assert dialogue.idle


def test_an_illegal_command_is_refused_when_it_is_submitted() -> None:
    with pytest.raises(CodecError):
        Dialogue().submit("GO", 99999, 15000, 0)


def test_each_heartbeat_differs_from_the_last() -> None:
    dialogue = Dialogue()
    beats = [dialogue.heartbeat() for _ in range(600)]
    assert all(a != b for a, b in itertools.pairwise(beats))


def test_a_refusal_is_told_in_words() -> None:
    dialogue = Dialogue()
    dialogue.submit("ARM", 2500)
    dialogue.outgoing(0.0)
    (outcome,) = outcomes(dialogue, cuff1.encode_nak(cuff1.Nak(1, 5, 0)), 0.01)
    assert refusal_text(outcome) == "the cuff refused ARM: the cuff is not empty (it is idle)"

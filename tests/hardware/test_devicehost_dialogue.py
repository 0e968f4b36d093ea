"""The conversation with DeviceHost: order, repetition, silence; and what is asked next."""

from devicehost_bench import PORT

from hardware.codec import devicehost
from hardware.codec.devicehost_messages import Answer, Done, Refused, Request, Signals, State
from hardware.drivers.devicehost_dialogue import (
    ANSWER_S,
    STOP,
    STOP_AGAIN_S,
    STOP_TRIES,
    DeviceHostDialogue,
    Outcome,
)
from hardware.drivers.devicehost_play import MEASURE, SETTLE_S, Play
from hardware.drivers.devicehost_run import measuring

IDLE = State("STATE_IDLE", True, True, True, True, True, "0", (0, 0), 6000)
STOP_BYTES = devicehost.encode_request(STOP, PORT)


def asking(request: Request, now_s: float = 0.0) -> DeviceHostDialogue:
    talk = DeviceHostDialogue(PORT)
    talk.submit(request)
    assert talk.outgoing(now_s)[0] == devicehost.encode_request(request, PORT)
    return talk


def answers(talk: DeviceHostDialogue, *said: Answer) -> list[object]:
    wire = b"".join(devicehost.encode_response(answer) for answer in said)
    return list(talk.receive(wire, 0.05))


def test_nothing_is_sent_while_an_answer_is_due_but_a_stop() -> None:
    talk = asking(Request("SIGNALS"))
    talk.submit(Request("STATE"))
    assert talk.outgoing(0.01) == (b"", [])
    assert talk.stop(0.02) == STOP_BYTES
    found = answers(talk, Signals(((1, 0, 0),)), Done())
    assert [f.request for f in found if isinstance(f, Outcome)] == [Request("SIGNALS"), STOP]
    assert talk.outgoing(0.06) == (b"", [])  # what waited was forgotten with the stop
    assert talk.ready


def test_a_stop_is_repeated_until_it_is_answered_and_not_for_ever() -> None:
    talk = DeviceHostDialogue(PORT)
    sent = talk.stop(0.0) == STOP_BYTES
    times = [n / 100 for n in range(1, 200) if talk.outgoing(n / 100)[0]]
    assert sent
    assert len(times) == STOP_TRIES - 1
    assert times[0] == STOP_AGAIN_S
    talk.stop(5.0)
    answers(talk, Done())
    assert talk.outgoing(5.3)[0] == b""


def test_an_answer_after_a_swallowed_request_is_that_of_the_next_one() -> None:
    talk = asking(Request("SIGNALS"))
    talk.stop(0.01)
    (outcome,) = answers(talk, Done())
    assert isinstance(outcome, Outcome)
    assert outcome.request == STOP


def test_silence_is_an_outcome_and_its_late_samples_are_still_handed_on() -> None:
    talk = asking(Request("SIGNALS"))
    assert talk.outgoing(ANSWER_S - 0.01)[1] == []
    (ended,) = talk.outgoing(ANSWER_S)[1]
    assert ended.answer is None
    late = Signals(((5, 0, 0),))
    assert answers(talk, late) == [late]


def test_a_request_that_has_expired_is_not_sent() -> None:
    talk = asking(Request("STATE"))
    talk.submit(MEASURE, expires_s=0.05)
    out, (ended,) = talk.outgoing(0.06)
    assert (out, ended.sent_s, ended.request) == (b"", None, MEASURE)


def test_after_a_stop_the_last_samples_are_fetched_before_anything_else() -> None:
    play = Play()
    play.at_zero()
    play.over(10.0)
    assert play.next(10.0, armed=True) == Request("SIGNALS")
    play.signals_due_s = play.state_due_s = play.rating_due_s = 99.0
    assert play.next(10.2, armed=True) == Request("SIGNALS")


def test_a_state_from_before_the_stop_is_no_basis_and_is_asked_for_again() -> None:
    play = Play()
    play.over(10.0)
    play.drained, play.state, play.state_s = True, IDLE, 10.0 + SETTLE_S / 2
    play.signals_due_s = play.rating_due_s = 99.0
    assert play.next(10.0 + SETTLE_S, armed=True) == Request("STATE")
    play.state_s = 10.0 + SETTLE_S
    assert play.next(10.0 + SETTLE_S, armed=True) == MEASURE


def test_the_memory_is_emptied_before_anything_is_played() -> None:
    play = Play()
    play.at_zero()
    play.state, play.state_s = IDLE, 10.0
    assert play.next(10.0, armed=False) == Request("CLEAR")
    for request in (Request("CLEAR"), *measuring()):
        assert play.next(10.0, armed=False) == request
        list(play.take_load(Outcome(request, 10.0, 10.0, Done()), 10.0))
    assert play.next(10.0, armed=False) == MEASURE


def test_what_is_not_taken_is_tried_again_later_and_nothing_is_played_meanwhile() -> None:
    play = Play()
    play.at_zero()
    play.state, play.state_s = IDLE, 10.0
    refused = Outcome(Request("CLEAR"), 10.0, 10.0, Refused("CommunicationFailure"))
    (note,) = play.take_load(refused, 10.0)
    assert "did not answer DeviceHost, or refused" in str(note)
    assert play.next(10.1, armed=False) not in (MEASURE, Request("CLEAR"))
    play.state_s = 10.6
    assert play.next(10.6, armed=False) == Request("CLEAR")

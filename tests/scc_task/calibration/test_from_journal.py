"""What a journal says of an inflation whose outcome is not on record."""

import pytest
from course_bench import Reaction, Room

from scc_task.calibration.from_journal import last_trial, outcomes_in
from scc_task.calibration.talk import Outcome
from scc_task.documents import Command, Document, Key, Planned, Requested, StepBegan
from scc_task.documents import Outcome as OutcomeDocument


def killed() -> list[Document]:
    """Return a journal that ends in its second inflation."""
    room = Room(iter([Reaction(), Reaction(event="kill")]))
    room.run()
    return room.journals[0]


def second(documents: list[Document]) -> Outcome | None:
    _, *more = outcomes_in(documents)
    return more[0] if more else None


def test_an_inflation_in_which_the_program_was_killed_is_given_but_not_borne() -> None:
    found = second(killed())
    assert found is not None
    assert (found.given, found.borne, found.stopped, found.cut) == (True, False, False, "killed")
    assert not found.turned_down


@pytest.mark.parametrize(("action", "down"), [("stop", True), ("lost", True), ("grip", False)])
def test_a_stop_just_before_the_program_was_killed_counts(action: str, down: bool) -> None:
    key = Key(time_s=0.0, key="s", down=down, action=action)
    found = second([*killed(), key])
    assert found is not None
    assert (found.stopped, found.cut) == (True, None)


def test_what_was_planned_but_never_began_is_asked_again() -> None:
    documents = killed()
    planned = max(n for n, d in enumerate(documents) if isinstance(d, Planned))
    assert second(documents[: planned + 1]) is None
    assert last_trial(documents[: planned + 1]) == 2


@pytest.mark.parametrize("planned", [True, False])
def test_a_stop_in_the_rest_or_while_the_operator_is_asked_says_nothing_of_the_pressure(
    planned: bool,
) -> None:
    documents = killed()
    kind = Planned if planned else Requested
    before = documents[: max(n for n, d in enumerate(documents) if isinstance(d, kind)) + 1]
    stop = Key(time_s=0.0, key="s", down=True, action="stop")
    assert second([*before, stop]) is None
    assert len(outcomes_in([*before, stop])) == 1


def test_a_command_to_inflate_is_enough_to_count() -> None:
    documents = killed()
    planned = max(n for n, d in enumerate(documents) if isinstance(d, Planned))
    went = [d for d in documents[planned:] if isinstance(d, Command)]
    assert [d.command for d in went] == ["go"]
    found = second([*documents[: planned + 1], *went])
    assert found is not None
    assert found.given


def test_a_command_to_vent_on_time_makes_it_borne() -> None:
    documents = killed()
    go = next(d for d in reversed(documents) if isinstance(d, Command))
    end = Command(
        command="end",
        step=go.step,
        planned_s=0.0,
        sent_s=0.0,
        acknowledged_s=0.0,
        commanded_mmhg=0.0,
        acknowledged_mmhg=0.0,
    )
    found = second([*documents, end])
    assert found is not None
    assert (found.borne, found.cut) == (True, "killed")


def test_nothing_that_began_before_the_first_request_is_taken_for_an_inflation() -> None:
    documents = killed()
    first = next(n for n, d in enumerate(documents) if isinstance(d, Requested))
    instruction = StepBegan(
        number=1, kind="show", trial=None, trial_type=None, planned_s=0.0, flip_s=0.0
    )
    assert outcomes_in([*documents[:first], instruction]) == ()


def test_an_outcome_whose_request_is_lost_is_no_calibration() -> None:
    documents = [d for d in killed() if not isinstance(d, Requested)]
    assert any(isinstance(d, OutcomeDocument) for d in documents)
    with pytest.raises(ValueError, match="trial 1 is not on record"):
        outcomes_in(documents)

"""The end at the terminal: what is asked, what counts as an answer, what goes on record."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from calibration_bench import drive, person
from rich.console import Console
from test_practice import request

from scc_task.calibration.command import calibrate_command
from scc_task.calibration.procedures import AGAIN
from scc_task.calibration.talk import Finished
from scc_task.calibration_close import ACCEPT, DECLINE, Closing, ask_at
from scc_task.documents import Decided, Document, Requested, Stop
from scc_task.prepare_calibration import prepare_calibration
from scc_task.resume_calibration import Earlier


class Terminal:
    """A calibration at its end, and somebody who types these lines."""

    def __init__(
        self,
        data: Path,
        *typed: str,
        feels: Callable[[float], float] = person(140.0),  # noqa: B008  a constant
        by: str | None = None,
        over: bool = True,
        earlier: Earlier | None = None,
        later: bool = False,
    ) -> None:
        self.typed, self.questions, self.said = list(typed), [], io.StringIO()
        self.documents: list[Document] = []
        prepared = prepare_calibration(request(data))
        prepared.run.name.source_folder(data).mkdir(parents=True)
        self.finished: Finished | None = drive(prepared.procedure, feels) if over else None
        out = Console(file=self.said, width=200)
        prepared = dataclasses.replace(prepared, earlier=earlier)
        self.closing = Closing(prepared, out, ask=self.ask, by=by)
        if later:
            return
        course = SimpleNamespace(finished=self.finished)
        self.closing.follow(course, self.documents.append, lambda: 7.0, lambda: None)  # type: ignore[arg-type]

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.typed.pop(0) if self.typed else ""

    def end(self, reason: str = "completed", *, vented: bool = True) -> list[Decided]:
        self.closing(Stop(reason=reason, detail="", end_s=1.0, time_s=2.0, vent_confirmed=vented))
        return [d for d in self.documents if isinstance(d, Decided)]


def test_the_word_and_a_name_accept_and_a_comment_is_kept(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, ACCEPT, "J. D.", "calm throughout")
    (decided,) = terminal.end()
    assert (decided.what, decided.by, decided.why) == ("accept", "J. D.", "calm throughout")
    settled = terminal.closing.settled
    assert (settled.accepted, settled.by, settled.comment) == (True, "J. D.", "calm throughout")
    assert "P40 = 1" in terminal.said.getvalue()


def test_who_declines_is_asked_why(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, DECLINE, "pressed the wrong button twice")
    (decided,) = terminal.end()
    assert (decided.what, decided.why) == ("decline", "pressed the wrong button twice")
    assert not terminal.closing.settled.accepted


def test_capitals_and_blanks_accept_too(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, " Accept ", "J. D.", "")
    (decided,) = terminal.end()
    assert (decided.what, decided.by) == ("accept", "J. D.")


def test_what_is_no_answer_is_asked_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "acept [it]", ACCEPT, "J. D.")
    (decided,) = terminal.end()
    assert decided.what == "accept"
    assert "'acept [it]' is neither accept nor decline" in terminal.said.getvalue()


@pytest.mark.parametrize("typed", [(), ("maybe", "later", "perhaps"), (ACCEPT,), (ACCEPT, "", " ")])
def test_without_a_word_or_a_name_nothing_is_decided(
    tmp_path: Path, typed: tuple[str, ...]
) -> None:
    terminal = Terminal(tmp_path, *typed)
    (decided,) = terminal.end()
    assert decided.what == "undecided"
    assert not terminal.closing.settled.accepted
    assert "calibrate --accept" in terminal.said.getvalue()


def test_a_name_or_comment_that_cannot_be_kept_is_asked_for_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, ACCEPT, "x" * 2001, "J. D.", "y" * 2001, "short")
    (decided,) = terminal.end()
    assert (decided.by, decided.why) == ("J. D.", "short")
    assert "the name has 2001 characters" in terminal.said.getvalue()
    assert "the comment has 2001 characters" in terminal.said.getvalue()


def test_a_command_to_type_is_whole(tmp_path: Path) -> None:
    words = calibrate_command("01", "pre", data=tmp_path / "my data", rig_file=Path("rigs/a.yaml"))
    assert words == (
        "run_task.py calibrate --subject 01 --session pre --rig rigs/a.yaml "
        f'--data "{tmp_path / "my data"}"'
    )


def test_a_known_name_is_not_asked_for(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, ACCEPT, by="R. W.")
    (decided,) = terminal.end()
    assert (decided.what, decided.by) == ("accept", "R. W.")
    assert len(terminal.questions) == 1


def test_a_refused_result_cannot_be_accepted_and_says_why_on_record(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, ACCEPT, feels=lambda mmhg: 12.0)
    (decided,) = terminal.end()
    assert decided.what == "refused"
    assert "insufficient pain" in decided.why
    assert "REFUSED: " in terminal.said.getvalue()
    assert terminal.questions == []


def test_who_stops_with_esc_is_asked_why(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "the cuff slipped", over=False)
    (decided,) = terminal.end("operator")
    assert (decided.what, decided.why) == ("stop", "the cuff slipped")


def test_nobody_is_asked_after_another_stop(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, over=False)
    assert terminal.end("participant") == []
    assert terminal.questions == []


def test_each_repetition_is_asked_for_its_reason(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "looked away", ACCEPT, "J. D.", "")
    terminal.closing.observe(requested(140.0))
    repeated, accepted = terminal.end()
    assert (repeated.what, repeated.why, repeated.pressure_mmhg) == ("repeat", "looked away", 140.0)
    assert accepted.what == "accept"
    assert "140 mmHg was given again" in terminal.questions[0]


def requested(mmhg: float, why: str = AGAIN) -> Requested:
    return Requested(
        trial=9,
        time_s=1.0,
        phase="confirm",
        pressure_mmhg=mmhg,
        hold_s=15.0,
        why=why,
        needs_yes=False,
    )


def after(*documents: Document) -> Earlier:
    """Return a run before that has these documents."""
    run = SimpleNamespace(contents=SimpleNamespace(documents=documents))
    return Earlier(runs=(run,), option="--resume")  # type: ignore[arg-type]


def test_a_repetition_before_an_interruption_is_asked_for_its_reason_afterwards(
    tmp_path: Path,
) -> None:
    before = after(
        requested(100.0, "up"),
        requested(140.0),
        requested(150.0, f"{AGAIN}; EARLIER IN THIS SESSION 140 mmHg WAS TOO MUCH"),
        Decided(time_s=2.0, what="repeat", by="", why="moved", pressure_mmhg=140.0),
    )
    terminal = Terminal(tmp_path, "looked away", ACCEPT, "J. D.", "", earlier=before)
    repeated, _ = terminal.end()
    assert (repeated.what, repeated.why, repeated.pressure_mmhg) == ("repeat", "looked away", 150.0)


def test_who_accepts_later_is_asked_for_the_reason_of_a_repetition_too(tmp_path: Path) -> None:
    terminal = Terminal(
        tmp_path, ACCEPT, "J. D.", "looked away", earlier=after(requested(140.0)), later=True
    )
    assert terminal.finished is not None
    terminal.closing.judge(terminal.finished)
    assert terminal.closing.settled.comment == "looked away"
    assert "why was 140 mmHg given again?" in terminal.questions[-1]


def test_a_cuff_that_was_not_seen_to_empty_comes_first(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, over=False)
    terminal.end("cuff_fault", vented=False)
    assert terminal.said.getvalue().strip().startswith("THE CUFF WAS NOT SEEN TO EMPTY")


def test_a_terminal_that_is_gone_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert ask_at(Console(file=io.StringIO()))("? ") == ""


def test_a_piped_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("  accept \nJ. D.\n"))
    ask = ask_at(Console(file=io.StringIO()))
    assert (ask("? "), ask("who? ")) == ("accept", "J. D.")

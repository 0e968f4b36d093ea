"""What keys mean: the trigger is never an answer, and Esc is always the operator's."""

from scc_task.responses import Action, key_map

MAP = key_map(left=("left", "1"), right=("2",), confirm=("3", "5"), stop=("4",), trigger="5")


def test_the_trigger_key_is_a_pulse_whatever_else_names_it() -> None:
    assert MAP.action("5") is Action.PULSE


def test_the_numeric_keypad_counts_as_the_digits() -> None:
    assert MAP.action("num_5") is Action.PULSE
    assert MAP.action("num_4") is Action.STOP


def test_escape_belongs_to_the_operator() -> None:
    assert MAP.action("escape") is Action.ESCAPE


def test_an_unknown_key_means_nothing() -> None:
    assert MAP.action("q") is None


def test_without_a_typed_trigger_5_is_an_ordinary_key() -> None:
    plain = key_map(left=(), right=(), confirm=(), stop=(), trigger=None)
    assert plain.action("5") is None

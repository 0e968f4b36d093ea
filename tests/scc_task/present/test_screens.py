import pytest
from present_plan import present_plan

from scc_task.present import layout

pytestmark = pytest.mark.xdist_group("screens")  # what they share is made once

PLAN = present_plan()
WIDTH, HEIGHT, MARGIN = 1024, 768, 0.04
RATINGS = [
    f"rating-{scale.name}-{position}-{state}"
    for scale in PLAN.scales
    for position in sorted({scale.lowest, scale.start, scale.highest})
    for state in ("moving", "confirmed")
]
NAMES = [
    *(f"message-{key}" for key, _ in PLAN.texts),
    *(f"show-{key}" for key, _ in PLAN.texts),
    *(f"anticipation-{cue.name}" for cue in PLAN.cues),
    *(f"rate-{scale.name}" for scale in PLAN.scales),
    *RATINGS,
    "fixation-cross",
    "inflate-cross",
    f"inflate-{PLAN.cues[0].name}",
]


@pytest.fixture(scope="module")
def shown(play_in, tmp_path_factory):
    return play_in("pictures", tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def pictures(shown):
    return shown["pictures"]


def test_every_screen_of_a_plan_is_pictured(pictures):
    assert sorted(pictures) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_is_lit_and_leaves_its_edges_black(pictures, name):
    left, top, right, bottom = pictures[name]["box"]
    assert pictures[name]["size"] == [WIDTH, HEIGHT]
    assert left >= MARGIN * WIDTH
    assert right <= (1 - MARGIN) * WIDTH
    assert top >= MARGIN * HEIGHT
    assert bottom <= (1 - MARGIN) * HEIGHT


@pytest.mark.parametrize("name", [n for n in NAMES if "rat" not in n.split("-")[0]])
def test_a_screen_without_a_scale_stands_in_the_middle(pictures, name):
    left, _, right, _ = pictures[name]["box"]
    assert abs(left + right - WIDTH) <= 0.02 * WIDTH


def test_texts_are_written_in_letters_that_can_be_read(pictures):
    for key, text in PLAN.texts:
        _, top, _, bottom = pictures[f"message-{key}"]["box"]
        lines = len(text.strip().splitlines())
        assert (bottom - top) / lines >= 0.035 * HEIGHT


@pytest.mark.parametrize("cue", PLAN.cues, ids=lambda cue: cue.name)
def test_a_cue_has_its_color(pictures, cue):
    assert pictures[f"anticipation-{cue.name}"]["top"] == list(layout.COLORS[cue.color])


def test_cues_differ_in_shape_too(pictures):
    boxes = {tuple(pictures[f"anticipation-{cue.name}"]["box"]) for cue in PLAN.cues}
    assert len(boxes) == len(PLAN.cues)


@pytest.mark.parametrize("scale", PLAN.scales, ids=lambda scale: scale.name)
def test_a_confirmed_marker_has_another_color(pictures, scale):
    moving = pictures[f"rating-{scale.name}-{scale.start}-moving"]["vivid"]
    confirmed = pictures[f"rating-{scale.name}-{scale.start}-confirmed"]["vivid"]
    assert moving is None  # white: a cue may be yellow
    assert confirmed == list(layout.COLORS["green"])


def test_a_rating_starts_where_its_scale_says(pictures):
    for scale in PLAN.scales:
        at_start = f"rating-{scale.name}-{scale.start}-moving"
        assert pictures[f"rate-{scale.name}"]["box"] == pictures[at_start]["box"]


def test_the_window_describes_itself(shown):
    facts = shown["facts"]
    assert facts["software"] == "PsychoPy"
    assert facts["version"].startswith("2026.")
    assert (facts["width_px"], facts["height_px"]) == (WIDTH, HEIGHT)


def test_flips_that_do_not_wait_are_not_taken_for_those_of_an_ordinary_display(shown):
    # on a busy machine they may come as evenly as frames of a very fast one
    assert shown["frame_s"] < 1 / 100
    refresh_hz = shown["facts"]["refresh_hz"]
    assert refresh_hz is None or refresh_hz > 100


def test_texts_that_nobody_could_read_are_refused_by_name(play):
    problems = play("long_text")
    for key in ("novel", "word", "kanji"):
        kind, text = problems[key]
        assert kind == "WindowUnavailable"
        assert f"'{key}'" in text
    assert "痛" in problems["kanji"][1]

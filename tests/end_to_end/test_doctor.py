"""The doctor against every emulated cuff, healthy and with each fault that it should find."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from doctor_bench import Seen, see

from scc_task.doctor.results import Verdict

pytestmark = pytest.mark.xdist_group("doctor")  # its runs take a minute: once is enough
YES = ("yes", "")
CASES = {
    "reference": dict(driver="reference", lines=YES),
    "cpar": dict(driver="cpar", lines=YES),
    "alicat": dict(driver="alicat", lines=("yes", "yes", "40.5", "nonsense", "199")),
    "refused": dict(driver="reference", lines=("y",), keys=()),
    "leak": dict(driver="alicat", lines=YES, keys=(), fault="kind: leak, into_s: 0, amount: 1.5"),
    "no air": dict(driver="cpar", lines=YES, keys=(), fault="kind: no_supply, start_s: 0"),
    "kink": dict(driver="alicat", lines=YES, keys=(), fault="kind: kink, start_s: 0"),
    "puff": dict(driver="reference", lines=YES, keys=(), fault="kind: no_supply, start_s: 0"),
    "valve": dict(
        driver="alicat", lines=YES, keys=(), fault="kind: stuck_valve, into_s: 0, for_s: 9"
    ),
    "lie": dict(driver="reference", lines=YES, keys=(), fault="kind: lie, start_s: 0, amount: 60"),
    "late lie": dict(driver="alicat", lines=YES, keys=(), fault="kind: lie, into_s: 0, amount: 60"),
    "stuck": dict(driver="reference", lines=YES, keys=(), fault="kind: stuck_sensor, start_s: 0"),
    "silent": dict(driver="reference", keys=(), fault="kind: freeze, start_s: 0"),
    "unplugged": dict(driver="cpar", keys=(), fault="kind: unplug, start_s: 0"),
    "noise": dict(driver="reference", keys=(), fault="kind: corrupt, start_s: 0, amount: 0.003"),
}
WATCHED = ("reference", "cpar")
AT_ONCE = 4


class Runs:
    """All runs, begun at once; each is there when it is asked for."""

    def __init__(self, futures: dict[str, Future[Seen]]) -> None:
        self._futures = futures

    def __getitem__(self, name: str) -> Seen:
        return self._futures[name].result(timeout=110)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Runs(
            {
                name: pool.submit(see, tmp_path_factory.mktemp(name.replace(" ", "_")), **case)
                for name, case in CASES.items()
            }
        )


def failed(seen: Seen) -> list[str]:
    return [result.name for result in seen.results if result.verdict is Verdict.FAIL]


@pytest.mark.parametrize("driver", ["reference", "cpar", "alicat"])
def test_a_healthy_cuff_fails_nothing_and_ends_empty(runs: Runs, driver: str) -> None:
    seen = runs[driver]
    assert failed(seen) == []
    assert seen.examination.inflated
    assert not seen.examination.left_full


@pytest.mark.parametrize("driver", ["reference", "cpar", "alicat"])
def test_a_healthy_cuff_measures_what_it_is_told(runs: Runs, driver: str) -> None:
    result = runs[driver]["commanded, measured"]
    assert result.verdict is Verdict.OK
    assert result.figures["slope"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("driver", ["reference", "cpar", "alicat"])
def test_rise_and_fall_are_those_of_the_emulated_air(runs: Runs, driver: str) -> None:
    figures = runs[driver]["rise and fall"].figures
    # a lag of 0.35 s rises from 10 to 90 % in 0.77 s; one of 0.4 s falls from 200 to 15 in 1.04 s
    assert figures["rise_10_90_s"] == pytest.approx(0.77, abs=0.25)
    assert figures["fall_to_15_s"] == pytest.approx(1.04, abs=0.35)


@pytest.mark.parametrize("driver", WATCHED)
def test_a_watchdog_is_seen_to_empty_the_cuff_before_the_program_ends(
    runs: Runs, driver: str
) -> None:
    result = runs[driver]["watchdog, 60"]
    assert result.verdict is Verdict.OK
    assert 0.2 < result.figures["valve_open_after_s"] < 5.0


@pytest.mark.parametrize("driver", WATCHED)
def test_a_killed_supervisor_leaves_no_pressure(runs: Runs, driver: str) -> None:
    result = runs[driver]["program killed"]
    assert result.verdict is Verdict.OK
    assert result.figures["held_mmhg"] == pytest.approx(60.0, abs=5.0)
    assert result.figures["left_mmhg"] < 15.0


def test_a_lease_is_tried_without_pressure_where_the_device_tells_it(runs: Runs) -> None:
    assert runs["reference"]["watchdog, at rest"].verdict is Verdict.OK
    assert runs["cpar"]["watchdog, at rest"].verdict is Verdict.SKIPPED


def test_a_device_without_a_watchdog_is_never_left_alone_under_pressure(runs: Runs) -> None:
    seen = runs["alicat"]
    assert seen["limits"].verdict is Verdict.WARN
    assert "dump valve" in seen["limits"].do
    assert seen["watchdog, 60"].verdict is Verdict.SKIPPED
    assert seen["program killed"].verdict is Verdict.SKIPPED


def test_only_the_rigs_stop_key_counts_as_the_stop(runs: Runs) -> None:
    assert "'s'" in runs["reference"]["stop button"].seen


def test_what_was_read_on_the_gauge_is_fitted_and_a_typing_error_asked_again(runs: Runs) -> None:
    seen = runs["alicat"]
    assert seen["gauge, measured"].figures["given_mmhg"] == [40.5, 199.0]
    assert "nonsense" in seen.operator.asked[-1]


def test_a_plain_question_comes_before_any_pressure(runs: Runs) -> None:
    question = runs["reference"].operator.asked[0]
    assert "MUST NOT BE ON A PERSON" in question
    assert "200 mmHg" in question


def test_anything_but_the_word_yes_inflates_nothing(runs: Runs) -> None:
    seen = runs["refused"]
    assert seen["pressure checks"].verdict is Verdict.SKIPPED
    assert not seen.examination.inflated


def test_a_leak_is_found(runs: Runs) -> None:
    result = runs["leak"]["leak"]
    assert result.verdict is Verdict.FAIL
    assert "soap water" in result.do


def test_a_cuff_that_takes_no_air_is_told_from_a_leak(runs: Runs) -> None:
    result = runs["no air"]["leak"]
    assert result.verdict is Verdict.FAIL
    assert "no air goes in" in result.do


def test_a_kinked_hose_is_told_from_a_leak(runs: Runs) -> None:
    result = next(r for r in runs["kink"].results if r.verdict is Verdict.FAIL)
    assert "a kinked hose?" in result.seen
    assert "disconnect the hose" in result.do.lower()


def test_a_failed_self_test_of_the_device_is_passed_on(runs: Runs) -> None:
    result = runs["puff"]["watchdog, at rest"]
    assert result.verdict is Verdict.FAIL
    assert "self" in result.seen


def test_a_stuck_valve_is_found_and_said_at_once(runs: Runs) -> None:
    seen = runs["valve"]
    assert seen["leak"].verdict is Verdict.FAIL
    assert "valve" in seen["leak"].do
    assert any("DISCONNECT THE HOSE" in words for words in seen.said)


def test_a_sensor_that_lies_at_rest_is_found_and_nothing_is_inflated(runs: Runs) -> None:
    seen = runs["lie"]
    assert seen["zero reading"].verdict is Verdict.FAIL
    assert not seen.examination.inflated
    assert seen.operator.asked == []


def test_a_sensor_that_lies_under_pressure_is_found(runs: Runs) -> None:
    assert runs["late lie"]["leak"].verdict is Verdict.FAIL


def test_a_sensor_that_repeats_itself_is_found(runs: Runs) -> None:
    result = runs["stuck"]["zero reading"]
    assert result.verdict is Verdict.FAIL
    assert "the same number" in result.seen


def test_a_device_that_says_nothing_is_a_failed_check_with_a_remedy(runs: Runs) -> None:
    result = runs["silent"]["identity"]
    assert result.verdict is Verdict.FAIL
    assert "check power" in result.do


def test_a_port_that_goes_away_is_a_failed_check(runs: Runs) -> None:
    assert failed(runs["unplugged"])


def test_damaged_bytes_are_counted(runs: Runs) -> None:
    result = runs["noise"]["samples"]
    assert result.verdict in (Verdict.WARN, Verdict.FAIL)
    assert result.figures["damaged"] > 0


def test_every_failed_check_says_what_to_do(runs: Runs) -> None:
    results = [result for name in CASES for result in runs[name].results]
    assert all(result.do for result in results if result.verdict is Verdict.FAIL)

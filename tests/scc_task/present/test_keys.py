from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scc_task.ports import KeyEvent
from scc_task.present.keys import Presses
from scc_task.protocol.keynames import key_names


def test_every_press_and_release_is_seen_once_with_its_own_time(play):
    result = play("keys")
    sent, seen = result["sent"], result["seen"]
    assert [(key, down) for _, key, down in seen] == [(key, down) for _, key, down in sent]
    times = [time_s for time_s, _, _ in seen]
    assert times == sorted(times)
    late_s = [seen_s - sent_s for seen_s, (sent_s, *_) in zip(times, sent, strict=True)]
    assert min(late_s) >= 0
    assert median(late_s) < 0.010  # polls are 50 ms apart: stamps of the poll would be 25 ms late
    assert result["after_close"] == []


@given(st.lists(st.tuples(st.sampled_from([10, 15, 66]), st.booleans())))
def test_whatever_comes_down_and_up_alternate_for_each_key(raw):
    presses = Presses(key_names("linux"))
    events = [presses.event(float(n), code, down=down) for n, (code, down) in enumerate(raw)]
    for key in ("escape", "5", "space"):
        downs = [e.down for e in events if e is not None and e.key == key]
        assert downs == [n % 2 == 0 for n in range(len(downs))]


def test_a_held_key_is_one_press():
    presses = Presses(key_names("linux"))
    events = [presses.event(0.1 * n, 15, down=True) for n in range(5)]
    assert [e for e in events if e] == [KeyEvent(0.0, "5", True)]
    assert presses.event(0.6, 15, down=False) == KeyEvent(0.6, "5", False)


def test_a_key_without_a_name_is_reported_by_its_code():
    event = Presses({}).event(1.0, 200, down=True)
    assert event is not None
    assert event.key == "code_200"


# where PsychoPy's table is wrong: 161 on Windows is the right shift key, 57 on macOS caps lock,
# 100 the key beside the left shift key; 153 on Linux is no key of today's keyboards
DIFFERENT = {"win32": {161}, "linux": {153}, "darwin": {57, 100}}


def test_keys_have_psychopys_names(play):
    theirs = play("names")
    for platform, table in theirs.items():
        ours = key_names(platform)
        differing = {
            int(code): (name, ours.get(int(code)))
            for code, name in table.items()
            if ours.get(int(code)) != name and int(code) not in DIFFERENT[platform]
        }
        assert differing == {}, platform


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_every_system_has_the_keys_of_the_rig_file(platform):
    wanted = {"left", "right", "return", "space", "escape", "a", "b", "c", "s", "5", "num_5"}
    assert wanted <= set(key_names(platform).values())

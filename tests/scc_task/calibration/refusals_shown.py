"""Every refusal around a calibration, made to happen: ``refusals_shown.py`` writes the page of them anew."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # also run by itself

from calibration_bench import drive, fresh, person, shipped, stopped  # noqa: E402
from checks import ASKED, DOES_NOT_HOLD, Checked, came, ended  # noqa: E402
from stored import NOON, RIGS, proposal, real_rig, stored  # noqa: E402

from hardware.limits import Limits  # noqa: E402
from hardware.readings import Identity  # noqa: E402
from hardware.registry import DRIVERS  # noqa: E402
from scc_task.calibration.check import stored_for  # noqa: E402
from scc_task.calibration.estimate import conclude  # noqa: E402
from scc_task.calibration.find import find, refuse_other_device  # noqa: E402
from scc_task.calibration.measured import Hold  # noqa: E402
from scc_task.calibration.refusals import CalibrationRefused  # noqa: E402
from scc_task.calibration.store import entries  # noqa: E402
from scc_task.calibration.talk import End, Finished, Outcome, Request  # noqa: E402
from scc_task.calibration.worst_case import refuse_if_it_could_not_end, worst_of  # noqa: E402
from scc_task.dryrun import PlanRefused  # noqa: E402
from scc_task.plan.dose import Dose  # noqa: E402
from scc_task.protocol.load import load_rig  # noqa: E402
from scc_task.protocol.model import CalibrationPolicy  # noqa: E402

PAGE = ROOT / "docs" / "calibration-refusals.md"
ANSWERS = Identity(
    manufacturer="x",
    model="CUFF/1",
    serial_number="R-17",
    firmware="1.3",
    protocol="1",
    ceiling_mmhg=300,
    lease_ms=1000,
    simulated=False,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A refusal: its name or code, and its words."""

    name: str
    what: str
    do: str

    def row(self) -> str:
        return f"| {self.name} | {self.what} | {self.do} |"


# -- the result


def _points(*points: tuple[float, float]) -> list[Outcome]:
    return [
        Outcome(request=Request(pressure_mmhg=p, phase="coarse", hold_s=15.0, why=""), rating=r)
        for p, r in points
    ]


RATINGS: dict[str, list[Outcome]] = {
    "another pressure measured": _points((60, 2), (80, 8), (100, 18), (120, 28), (140, 41)),
    "too few points": _points((60, 2), (80, 10)),
    "flat or falling": _points((60, 40), (80, 41), (100, 39), (120, 40)),
    "pressures too close": _points((60, 30), (65, 48), (70, 55), (60, 35)),
    "no relation to pressure": _points((60, 38), (70, 49), (55, 40), (55, 36)),
    "jump": _points((60, 2), (80, 5), (100, 10), (120, 70), (140, 78)),
    "ratings at the ceiling": _points((60, 10), (80, 40), (100, 70), (120, 98), (140, 100)),
    "target not reached": _points((60, 2), (80, 6), (100, 11), (120, 18)),
    "interval too wide": _points((60, 25), (80, 55), (160, 20), (220, 62)),
    "not borne": [
        *_points((60, 2), (80, 8), (100, 18), (120, 28), (140, 41), (150, 47)),
        stopped(Request(pressure_mmhg=135, phase="repeat", hold_s=15.0, why="")),
    ],
}


def gates() -> Iterator[Shown]:
    """Yield each gate's refusal of a result."""
    for name, outcomes in RATINGS.items():
        measured = (Hold(120.0, 104.0),) if name == "another pressure measured" else ()
        found = conclude(shipped(), outcomes, measured=measured).refusals
        refusal = next(r for r in found if r.gate == name)
        yield Shown(name, refusal.what, refusal.do)


def ends() -> Iterator[Shown]:
    """Yield each bad end of a procedure."""
    for finished in (
        drive(fresh(), lambda mmhg: 12.0),
        drive(fresh(), lambda mmhg: None),
        drive(fresh(), _fickle()),
        _stopping(),
        drive(fresh(_few()), lambda mmhg: 5.0),
        _nothing_allowed(),
    ):
        assert not finished.good
        yield Shown(str(finished.end), finished.why, finished.do)


def _fickle() -> Callable[[float], float]:
    """Return somebody who rates well on the way up, and anything afterwards."""
    given: list[float] = []

    def rating(mmhg: float) -> float:
        given.append(mmhg)
        if mmhg < max(given) or given.count(mmhg) > 1:
            return 15.0 if len(given) % 2 else 65.0
        return person(140.0)(mmhg)

    return rating


def _stopping() -> Finished:
    procedure = fresh()
    while not isinstance(request := procedure.next(), Finished):
        procedure.tell(stopped(request))
    return request


def _few():
    protocol = shipped()
    return protocol.model_copy(
        update={"safety": protocol.safety.model_copy(update={"inflations": 5})}
    )


def _nothing_allowed() -> Finished:
    protocol = shipped()
    low = protocol.model_copy(
        update={"familiarise": protocol.familiarise.model_copy(update={"mmhg": 20.0})}
    )
    procedure = fresh(low)
    request = procedure.next()
    assert isinstance(request, Request)
    procedure.tell(stopped(request))
    ended = procedure.next()
    assert isinstance(ended, Finished)
    return ended


# -- before it starts


def starts() -> Iterator[Shown]:
    """Yield what is refused before the first inflation."""
    able = DRIVERS["reference"].capabilities
    for limits, used, capabilities in (
        (Limits(), Dose(inflations=45, inflated_s=300), able),
        (Limits(), Dose(inflations=10, inflated_s=1150), able),
        (Limits(), Dose(inflations=60, inflated_s=900), able),
        (Limits(inflation_s=12), Dose(), able),
        (Limits(), Dose(), replace(able, longest_s=5.0)),
        (Limits(ceiling_mmhg=50), Dose(), able),
        (Limits(ceiling_mmhg=15), Dose(), able),
    ):
        try:
            refuse_if_it_could_not_end(
                worst_of(shipped()), limits=limits, used=used, able=capabilities
            )
        except PlanRefused as refused:
            for finding in refused.findings[-1:]:
                yield Shown(finding.where, finding.what, finding.do)


# -- the store


class _Study:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.data = folder, folder / "data"
        self.rig, self.limits = real_rig(folder), Limits()
        self.policy = CalibrationPolicy()

    def use(self, session: str = "pre", *, days: float = 0, ratings: tuple[float, ...] = (40.0,)):
        return find(
            *(self.data, "01", session, self.policy),
            rig=load_rig(self.rig).model,
            ratings=ratings,
            limits=self.limits,
            now=NOON + timedelta(days=days),
        )


def _site(s: _Study) -> None:
    stored(s.data, proposal(site="right calf"))
    s.use()


def _session(s: _Study) -> None:
    stored(s.data, proposal(session="pre"))
    s.use("post")


def _driver(s: _Study) -> None:
    stored(s.data)
    s.rig = real_rig(s.folder, driver="cpar")
    s.use()


def _device(s: _Study) -> None:
    stored(s.data, proposal(serial_number="R-16"))
    refuse_other_device(s.use(), ANSWERS)


def _age(s: _Study) -> None:
    s.policy = CalibrationPolicy(max_age_days=30)
    stored(s.data)
    s.use(days=31)


def _future(s: _Study) -> None:
    stored(s.data)
    s.use(days=-2)


def _simulated(s: _Study) -> None:
    stored(s.data, proposal(simulated=True))
    s.use()


def _edited(s: _Study) -> None:
    path = Path(stored(s.data).file)
    path.write_bytes(path.read_bytes().replace(b"141.5", b"151.5"))
    s.use()


def _cut(s: _Study) -> None:
    path = Path(stored(s.data).file)
    path.write_bytes(path.read_bytes()[:-1])
    s.use()


def _copied(s: _Study) -> None:
    path = Path(stored(s.data, proposal(subject="02")).file)
    copy = Path(str(path).replace("sub-02", "sub-01"))
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    entries(s.data, "01")[0].read()


def _rating(s: _Study) -> None:
    stored(s.data)
    s.use(ratings=(40.0, 60.0))


def _ceiling(s: _Study) -> None:
    stored(s.data)
    s.limits = Limits(ceiling_mmhg=141)
    s.use()


def _did_not_hold(s: _Study) -> None:
    _checked(s, stopped=False)


def _stopped_in_its_check(s: _Study) -> None:
    _checked(s, stopped=True)


def _check_damaged(s: _Study) -> None:
    checked = Checked(s.data, s.rig)
    path = checked.check(ASKED, came(), ended())
    path.write_bytes(path.read_bytes().replace(b'"rating"', b'"r?ting"'))
    s.use()


def _checked(s: _Study, *, stopped: bool) -> None:
    checked = Checked(s.data, s.rig)
    if stopped:
        checked.check(ASKED, came(rating=None, stopped=True), ended("participant"))
    else:
        checked.check(ASKED, came(rating=70), DOES_NOT_HOLD, ended())
    s.use()


def _nothing(s: _Study) -> None:
    s.use()


def _nothing_to_check(s: _Study) -> None:
    rig = load_rig(RIGS / "simulated.yaml").model
    stored_for(s.data, "01", "pre", 40.0, rig=rig, limits=s.limits, now=NOON)


STORE: tuple[Callable[[_Study], None], ...] = (
    *(_nothing, _nothing_to_check, _session, _site, _driver, _device, _age, _future, _simulated),
    *(
        _edited,
        _cut,
        _copied,
        _rating,
        _ceiling,
        _did_not_hold,
        _stopped_in_its_check,
        _check_damaged,
    ),
)


def store(folder: Path) -> Iterator[Shown]:
    """Yield each refusal of what is stored, with its code."""
    for number, trouble in enumerate(STORE):
        study = _Study(folder / f"{number}")
        try:
            trouble(study)
        except CalibrationRefused as refused:
            first = refused.problems[0]
            yield Shown(refused.code, first.what, first.do.replace(str(study.data), "DATA"))


def page(folder: Path) -> str:
    """Return the page, made of refusals that have just happened below a folder."""
    head = ["| Refused | It says | and: do |", "|---|---|---|"]
    return "\n".join(
        [
            "# Every refusal around a calibration",
            "",
            "Each of these was made to happen to write this page (by",
            "`tests/scc_task/calibration/refusals_shown.py`); a test compares.",
            "Numbers are those of the example.",
            "",
            "## Before the first inflation",
            "",
            "What the calibration could come to ask for, at worst, must fit into the room's limits and into",
            "what is left of the session.",
            "",
            *head,
            *(s.row() for s in starts()),
            "",
            "## The procedure ended without a result",
            "",
            *head,
            *(s.row() for s in ends()),
            "",
            "## The ratings are no measurement",
            "",
            *head,
            *(s.row() for s in gates()),
            "",
            "## What is stored cannot be used",
            "",
            *head,
            *(s.row() for s in store(folder)),
            "",
        ]
    )


ENDS = [e for e in End if e not in (End.CONFIRMED, End.COMPLETED)]

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        PAGE.write_text(page(Path(made)), encoding="utf-8")

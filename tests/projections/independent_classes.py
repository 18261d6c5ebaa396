"""Repeat classes worked out a second time, from the raw bytes of the events.

Plain Python that shares no code with the policy or with the event types, and goes about it
differently: it plays the whole ledger once, in the order of recording, keeps at any moment what is
known of every complaint and customer, and judges whenever requirements (section 10) want it.
Where those leave it open: duplicates are no earlier ones; a repeat or a related complaint names
the last one received that fits; how an earlier one stood is asked as of the receipt.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.projections.independent_reading import local
from tests.projections.raw_events import Told

WINDOW = 90


class Verdict(NamedTuple):
    """A class as the event has it."""

    repeat_class: str
    earlier_id: str | None = None
    days_since_close: int | None = None
    is_external: bool = False
    after_verified_close: bool = False


class Case:
    """What is known of a complaint at some moment."""

    def __init__(self, stream: str, told: Told) -> None:
        self.place = told.occurred_us, stream  # in the order of receipt
        self.facts: dict[str, Any] = {}
        self.ends: list[tuple[int, str | None]] = []
        self.is_duplicate = self.is_assessed = self.is_corrected = False
        self.verdicts: list[Verdict] = []

    @property
    def is_assessed_complaint(self) -> bool:
        return self.is_assessed and self.facts.get("nature") == "complaint"

    def same(self, other: "Case", name: str) -> bool:
        one = self.facts.get(name)
        return one is not None and one == other.facts.get(name)

    def end_by(self, at: int) -> tuple[int, str | None]:
        """How it had ended by then; without a reason it was open."""
        return next((end for end in reversed(self.ends) if end[0] <= at), (0, None))


def classes(rows: Iterable[tuple[Any, ...]], zone: str) -> dict[str, list[Verdict]]:
    """What a policy that never lags would have said of each complaint, each new word once.

    What a person said is among it; it stands until the complaint is linked to a customer.
    """
    play = _Play(zone)
    told = [(str(stream), Told(*columns)) for stream, *columns in rows]
    for stream, event in sorted(told, key=lambda one: one[1].recorded_us):
        play.hear(stream, event)
    return {stream: case.verdicts for stream, case in play.cases.items() if case.verdicts}


def recorded(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Verdict]]:
    """What the ledger says of each complaint's class, one after the other."""
    found: defaultdict[str, list[Verdict]] = defaultdict(list)
    for stream, *columns in rows:
        told = Told(*columns)
        if told.kind == "RepeatClassified":
            found[str(stream)].append(_verdict(told.data))
    return dict(found)


def is_by_a_person(told: Told) -> bool:
    """Whether a class is somebody's word, and not the rule's."""
    return told.kind == "RepeatClassified" and told.metadata["actor"]["role"] != "policy"


def _verdict(data: dict[str, Any]) -> Verdict:
    more = [data.get(name, False) for name in ("is_external", "after_verified_close")]
    return Verdict(data["class"], data.get("earlier_id"), data.get("days_since_close"), *more)


class _Play:
    """The ledger, heard event by event."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.cases: dict[str, Case] = {}
        self.of_customer: defaultdict[str, set[str]] = defaultdict(set)
        self.into: dict[str, str] = {}

    def hear(self, stream: str, told: Told) -> None:
        """Learn what an event says; then judge whom it concerns."""
        data = told.data
        if told.kind == "CustomersMerged":
            self.into[data["customer_id"]] = data["into_id"]
            return self._judge(self._cases_of(data["into_id"]))
        if told.kind == "CustomersSplit":
            self.into.pop(data["customer_id"], None)
            one, other = data["customer_id"], data["from_id"]
            return self._judge(self._cases_of(one) + self._cases_of(other))
        if told.kind == "ComplaintRegistered":
            self.cases[stream] = Case(stream, told)
        if (case := self.cases.get(stream)) is None:
            return None
        before, was = case.facts.get("customer_id"), case.is_assessed_complaint
        self._learn(case, told)
        if told.kind in ("ComplaintRegistered", "CustomerLinked"):
            self._belongs(stream, before, data.get("customer_id"))
        if told.kind == "CustomerLinked":
            case.is_corrected = False
            concerned = self._cases_of(data["customer_id"]) + self._cases_of(before)
            return self._judge([one for one in concerned if one.place >= case.place])
        if case.is_assessed_complaint and not was:
            self._judge([case])
        return None

    def _belongs(self, stream: str, before: str | None, customer_id: str | None) -> None:
        if before is not None:
            self.of_customer[before].discard(stream)
        if customer_id is not None:
            self.of_customer[customer_id].add(stream)

    def _learn(self, case: Case, told: Told) -> None:
        data = told.data
        match told.kind:
            case "ComplaintRegistered" | "CustomerLinked":
                case.facts.update(_flat(data))
            case "DetailAdded":
                case.facts.update(_flat(data["details"]))
            case "FieldCorrected":
                case.facts.update(_flat(data["new"]))
            case "ComplaintAssessed":
                case.is_assessed = True
                case.facts.update(
                    {"about_handling": False, "about_handling_of": None} | _flat(data)
                )
            case "ComplaintClosed":
                case.is_duplicate = data["reason"] == "duplicate"
                case.ends.append((told.occurred_us, data["reason"]))
            case "ComplaintReopened":
                case.ends.append((told.occurred_us, None))
            case "ComplaintUnmerged":
                case.is_duplicate = False
                case.ends.pop()
            case "RepeatClassified" if is_by_a_person(told):
                case.is_corrected = True
                self._say(case, _verdict(data))

    def _say(self, case: Case, verdict: Verdict) -> None:
        if case.verdicts[-1:] != [verdict]:
            case.verdicts.append(verdict)

    # --- who is whom ------------------------------------------------------------------------

    def _one_with(self, customer_id: str) -> set[str]:
        """Everybody who is one with a customer: merges are followed both ways, however far."""
        found: set[str] = set()
        to_do = [customer_id]
        while to_do:
            name = to_do.pop()
            if name not in found:
                found.add(name)
                to_do += [self.into[name]] if name in self.into else []
                to_do += [source for source, into in self.into.items() if into == name]
        return found

    def _cases_of(self, customer_id: str | None) -> list[Case]:
        if customer_id is None:
            return []
        names = self._one_with(customer_id)
        return [self.cases[stream] for name in names for stream in self.of_customer[name]]

    # --- the judgement ----------------------------------------------------------------------

    def _judge(self, concerned: list[Case]) -> None:
        for case in concerned:
            if case.is_assessed_complaint and not case.is_corrected:
                self._say(case, self._verdict(case))

    def _verdict(self, mine: Case) -> Verdict:
        if mine.facts.get("customer_id") is None:
            return Verdict("unknown")
        earlier = sorted(
            (
                other
                for other in self._cases_of(mine.facts["customer_id"])
                if other.place < mine.place and not other.is_duplicate
            ),
            key=lambda other: other.place,
        )
        if mine.facts["about_handling"]:
            named = mine.facts["about_handling_of"]
            handled = [other for other in earlier if named in (None, other.place[1])]
            came_through = mine.facts.get("role") == "reporter" or bool(
                mine.facts.get("outside_body_ref")
            )
            if not handled:
                return Verdict("escalated_recomplaint", named, None, came_through)
            last = handled[-1]
            days = self._days(last, mine)
            return Verdict("escalated_recomplaint", last.place[1], days, came_through)
        near = [
            other
            for other in reversed(earlier)
            if other.facts["nature"] == "complaint"
            and ((days := self._days(other, mine)) is None or days <= WINDOW)
        ]
        for other in near:
            if mine.same(other, "problem_key"):
                verified = other.end_by(mine.place[0])[1] == "verified"
                days = self._days(other, mine)
                return Verdict("repeat", other.place[1], days, False, verified)
        for other in near:
            if mine.same(other, "order_ref") or mine.same(other, "serial_no"):
                return Verdict("related", other.place[1], self._days(other, mine))
        return Verdict("initial")

    def _days(self, earlier: Case, mine: Case) -> int | None:
        """Local days from the close to the receipt; None while the earlier one was open."""
        received = mine.place[0]
        closed, reason = earlier.end_by(received)
        if reason is None:
            return None
        return (local(received, self.zone).date() - local(closed, self.zone).date()).days


_NAMES = [
    "nature",
    "customer_id",
    "order_ref",
    "outside_body_ref",
    "problem_key",
    "about_handling",
    "about_handling_of",
]


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that classes depend on, where they are told."""
    found = {name: facts[name] for name in _NAMES if facts.get(name) is not None}
    if facts.get("product") is not None:
        found["serial_no"] = facts["product"].get("serial_no")
    if facts.get("complainant") is not None:
        found["role"] = facts["complainant"].get("role")
    return found

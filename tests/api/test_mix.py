"""A mix is reproduced exactly where whole numbers allow it, and a bad one is refused clearly."""

from collections import Counter
from decimal import Decimal
from importlib import resources
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from api.simulation import Mix, MixError, Scenario, counts, load_mix, plan_mix
from api.simulation.apportion import CannotDealError, apportion, deal
from api.simulation.mix import parse_mix
from api.simulation.mixed import worked_until
from api.simulation.problems import PROBLEMS
from tests.api.told import told

Complaints = dict[int, dict[str, Any]]


def shipped() -> str:
    return resources.files("api.simulation").joinpath("2025q3.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def quarter() -> Mix:
    return load_mix("2025q3")


@pytest.fixture(scope="module")
def complaints(quarter: Mix) -> Complaints:
    return received(plan_mix(quarter))


def received(scenarios: list[Scenario]) -> Complaints:
    """What is registered of each complaint, with the judgement that counts, by number."""
    found: Complaints = {}
    for step in (step for scenario in scenarios for step in scenario.steps):
        match step.command:
            case "RegisterComplaint":
                found[step.complaint] = {**step.body, "at": step.occurred_at}
            case "AssessComplaint":
                found[step.complaint] |= step.body
            case "CorrectField":
                found[step.complaint] |= step.body["new"]
    return found


def kinds(mix: Mix, complaints: Complaints) -> dict[str, Counter[str]]:
    """How many complaints of each kind are planned, counted one by one."""
    found: dict[str, Counter[str]] = {dimension: Counter() for dimension in counts(mix)}
    areas = {code: name for name, area in mix.region.items() for code in area.of}
    customers = Counter[str]()
    for each in (complaints[number] for number in sorted(complaints)):
        customers[each["customer_id"]] += 1
        local = each["at"].astimezone(mix.timezone)
        slot = (local.weekday(), local.hour)
        found["severity"][each["severity"]] += 1
        found["channel"][each["channel"]] += 1
        found["category"][each["category"]["path"][0]] += 1
        found["language"][each["language"][:2]] += 1
        found["region"][each["region"]] += 1
        found["area"][areas[each["region"]]] += 1
        found["hours"][next((w.label for w in mix.hours if slot in w.slots), "others")] += 1
        if customers[each["customer_id"]] == 1:
            found["repeat"]["initial"] += 1
        elif each.get("about_handling"):
            found["repeat"]["escalated_recomplaint"] += 1
        else:
            found["repeat"]["repeat"] += 1
    return found


# --- the third quarter of 2025 --------------------------------------------------------------


def test_the_quarter_has_the_numbers_of_the_requirements(quarter: Mix) -> None:
    """A1, G3, G8, I1: 3,742 complaints and their shares, to the digit they are told in."""
    numbers = counts(quarter)
    assert quarter.complaints == 3742
    assert numbers["severity"]["major"] == 460
    assert numbers["channel"] == {"phone": 1684, "wechat": 1123, "web": 561, "social": 374}
    assert numbers["repeat"] == {"initial": 2432, "escalated_recomplaint": 936, "repeat": 374}
    assert numbers["area"]["华东"] == 1444
    assert numbers["hours"]["mon tue wed thu fri 9-11"] == 1022
    for dimension, shares in quarter.shares().items():
        assert sum(numbers[dimension].values()) == 3742
        for kind, share in shares.items():
            reported = Decimal(100 * numbers[dimension][kind]) / 3742
            assert reported.quantize(Decimal("0.1")) == share.quantize(Decimal("0.1")), kind


def test_the_plan_of_the_quarter_has_just_these_numbers(
    quarter: Mix, complaints: Complaints
) -> None:
    found, numbers = kinds(quarter, complaints), counts(quarter)
    for dimension, wanted in numbers.items():
        assert found[dimension] == Counter(wanted), dimension
    assert {each["at"].astimezone(quarter.timezone).month for each in complaints.values()} == {
        *(7, 8, 9)
    }


def test_a_customer_comes_back_with_what_makes_it_a_repeat_or_an_escalation(
    complaints: Complaints,
) -> None:
    """The policy judges by the data: problem key, time between, and what it is about."""
    of_customer: dict[str, list[dict[str, Any]]] = {}
    for number in sorted(complaints):
        each = complaints[number]
        of_customer.setdefault(each["customer_id"], []).append(each)
    assert max(len(chain) for chain in of_customer.values()) == 3
    for chain in of_customer.values():
        assert len({each["region"] for each in chain}) == 1
        assert not chain[0].get("about_handling")
        for earlier, later in pairwise(chain):
            days = (later["at"] - earlier["at"]).days
            assert 2 <= days < 86
            if not later.get("about_handling"):
                assert key(later) == key(earlier)
                assert days >= 20


def key(complaint: dict[str, Any]) -> tuple[str, str | None]:
    """The problem key: the finest label, and the model."""
    return complaint["category"]["path"][-1], complaint.get("product", {}).get("model")


def test_no_order_of_a_mix_is_refused_and_each_grade_is_the_one_that_was_dealt(
    quarter: Mix,
) -> None:
    mix = replace(quarter, complaints=250)
    scenarios = plan_mix(mix)
    left = [each for s in scenarios for each in told(s, worked_until(mix)).items()]
    severities = Counter(state.severity for _, (state, _) in left)
    assert severities == counts(mix)["severity"]
    outcomes = {number: end for each in scenarios for number, end in each.outcomes.items()}
    for number, (state, _) in left:
        assert outcomes[number] == (state.close_reason or "open")
        assert state.close_reason not in ("declined", "withdrawn", "duplicate")  # out of rates
        assert not state.is_provisional


def test_the_same_seed_gives_the_same_mix_and_another_seed_the_same_numbers(quarter: Mix) -> None:
    mix = replace(quarter, complaints=300)
    assert plan_mix(mix) == plan_mix(mix)
    other = mix.with_seed(8)
    assert plan_mix(other) != plan_mix(mix)
    assert kinds(other, received(plan_mix(other))) == kinds(mix, received(plan_mix(mix)))


@settings(max_examples=12, deadline=None)
@given(complaints=st.integers(1, 150), seed=st.integers(0, 2**31))
def test_a_mix_of_any_size_is_exact_or_refused(complaints: int, seed: int) -> None:
    mix = replace(load_mix("2025q3"), complaints=complaints, seed=seed)
    try:
        planned = received(plan_mix(mix))
    except MixError as error:
        assert "too few complaints" in str(error)  # noqa: PT017
        return
    found = kinds(mix, planned)
    assert {dimension: dict(found[dimension]) for dimension in found} == {
        dimension: {kind: count for kind, count in wanted.items() if count}
        for dimension, wanted in counts(mix).items()
    }


def test_the_mix_of_the_manual_can_be_made() -> None:
    manual = (Path(__file__).parents[2] / "docs/simulate.md").read_text("utf-8")
    mix = parse_mix(manual.partition("```toml\n")[2].partition("```")[0])
    assert kinds(mix, received(plan_mix(mix))) == {k: Counter(v) for k, v in counts(mix).items()}


# --- whole numbers --------------------------------------------------------------------------

SHARES = st.dictionaries(
    st.integers(), st.decimals("0.1", "100", places=1), min_size=1, max_size=12
)


@given(total=st.integers(0, 10_000), shares=SHARES)
def test_apportioned_numbers_add_up_and_lie_within_one_of_their_share(
    total: int, shares: dict[int, Decimal]
) -> None:
    numbers = apportion(total, shares)
    assert sum(numbers.values()) == total
    assert numbers.keys() == shares.keys()
    whole = sum(shares.values())
    for each, share in shares.items():
        assert abs(numbers[each] - total * share / whole) < 1


@given(sizes=st.lists(st.integers(1, 3), max_size=60), seed=st.integers())
def test_what_is_dealt_comes_out_exactly_so_often(sizes: list[int], seed: int) -> None:
    numbers = apportion(sum(sizes), {"a": Decimal(60), "b": Decimal(39), "c": Decimal(1)})
    try:
        dealt = deal(sizes, numbers, Random(seed))
    except CannotDealError:
        assert sum(size > 1 for size in sizes) > 0
        return
    found = Counter[str]()
    for size, kind in zip(sizes, dealt, strict=True):
        found[kind] += size
    assert found == Counter(numbers)


def test_every_category_has_a_grave_problem_and_one_that_is_not() -> None:
    """Grades and categories can be mixed in any shares."""
    found = {(problem.path[0], problem.is_grave) for problem in PROBLEMS}
    assert len(found) == 2 * len({label for label, _ in found})


# --- bad mixes ------------------------------------------------------------------------------

BAD: list[tuple[str, str, str]] = [
    ("complaints = 3742", "complaints = 0", "complaints: Expected `int` >= 1"),
    ("complaints = 3742", "complaint = 3742", "unknown key `complaint`"),
    ("seed = 7\n", "", "missing required key `seed`"),
    ("seed = 7", "seed = 7.5", "seed: Expected `int`"),
    ('name = "2025q3"', 'name = "demo"', "name: demo is taken"),
    ('name = "2025q3"', 'name = "A B"', "name: Expected `str` matching"),
    ("Asia/Shanghai", "Asia/Nowhere", "zone: not the name of a time zone"),
    ("Asia/Shanghai", "../etc/passwd", "zone: not the name of a time zone"),
    ("to = 2025-09-30", "to = 2025-06-30", "to: has to be a day from `from` on"),
    ("to = 2025-09-30", "to = 9999-12-31", "of 366 days at most"),
    ("to = 2025-09-30", "to = 2025-09-31", "not TOML"),
    ("phone = 45", "phone = 44", "channel: the shares add up to 99, not to 100"),
    ("phone = 45", "phone = -45", "channel: a share is a number above 0"),
    ("phone = 45", "phone = nan", "channel: a share is a number above 0"),
    ("phone = 45", "phone = true", "channel"),
    ("phone = 45", '"Phone !" = 45', "channel"),
    ("major = 12.3", "grave = 12.3", "severity"),
    ("initial = 65", "unknown = 65", "repeat"),
    ("initial = 65\n", "", "repeat.initial: missing"),
    ('"价格" = 4', '"价钱" = 4', 'category."价钱": there are only'),
    ("310000 = 8.2", "310000 = 8.3", 'region."华东".of: the shares add up to 38.7, not to 38.6'),
    ("310000 = 8.2", "440000 = 8.2", "region: 440000 stands in two areas"),
    ("share = 38.6", "share = 38.7", "region: the shares add up to 100.1, not to 100"),
    ('"mon", "tue"', '"mon", "monday"', "hours[0].days[1]: Invalid enum value 'monday'"),
    ("from = 9\n", "from = 11\n", "hours 1: to lies before from"),
    ("to = 11\n", "to = 25\n", "hours[0].to: Expected `int` <= 24"),
    ("share = 27.3", "share = 127.3", "hours: a share is a number above 0, up to 100"),
]


@pytest.mark.parametrize(("good", "bad", "message"), BAD)
def test_a_bad_mix_is_refused_with_the_key_that_is_wrong(good: str, bad: str, message: str) -> None:
    assert good in shipped()
    with pytest.raises(MixError) as refused:
        parse_mix(shipped().replace(good, bad), "my.toml")
    assert message in str(refused.value)
    assert all(line.startswith("my.toml: ") for line in str(refused.value).splitlines())


def test_hours_that_overlap_or_leave_none_for_the_rest_are_refused() -> None:
    more = '\n[[hours]]\ndays = ["fri", "sat"]\nfrom = 10\nto = 12\nshare = 5\n'
    with pytest.raises(MixError, match="hours 2: overlaps"):
        parse_mix(shipped() + more)
    every = (
        '\n[[hours]]\ndays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\nfrom = 0\nto = 24'
    )
    head = shipped().partition("[[hours]]")[0]
    with pytest.raises(MixError, match="every hour is named"):
        parse_mix(f"{head}{every}\nshare = 99\n")
    assert parse_mix(f"{head}{every}\nshare = 100\n").other_hours == 0
    with pytest.raises(MixError, match="hours 1: no such day"):
        parse_mix(shipped().replace("to = 2025-09-30", "to = 2025-07-01").replace('"tue", ', ""))


def test_more_repeats_than_customers_could_make_are_refused() -> None:
    text = shipped().replace("initial = 65", "initial = 5").replace("repeat = 10", "repeat = 70")
    with pytest.raises(MixError, match="too few complaints of some kind"):
        plan_mix(replace(parse_mix(text), complaints=100))


def test_neither_a_shipped_mix_nor_a_file_is_said_so(tmp_path: Any) -> None:
    with pytest.raises(MixError, match=r"neither a shipped mix \(2025q3\) nor a file"):
        load_mix(str(tmp_path / "none.toml"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MixError, match="not UTF-8"):
        load_mix(str(binary))

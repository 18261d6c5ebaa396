"""The receipt of a complaint of the demonstration: all that a registration can record (I13)."""

from datetime import timedelta
from typing import Any

from api.desk import REGISTER
from api.simulation.actors import BOT, CONTACT_CENTRE, CUSTOMER
from api.simulation.case import Case

_REGIONS = ("CN-SH", "CN-JS", "CN-ZJ", "CN-AH", "CN-GD", "CN-BJ", "CN-SC", "CN-HB", "CN-LN")
_REGION_WEIGHTS = (14, 10, 9, 5, 18, 14, 12, 10, 8)  # the east has well over a third (A1)
_SECOND_LINE = frozenset({"social"})


def receive(case: Case, number: int, *, by_bot: bool = False, is_bare: bool = False) -> None:
    """Register the complaint, by the clerk, by a bot, or by the customer on the web page."""
    body = _how(case, number, by_bot) | _about(case)
    if not is_bare:
        body |= _known_that_day(case, number) | _goods(case, number)
    if by_bot:
        case.order(REGISTER, BOT, **body)
    elif case.channel == "web":
        case.order(REGISTER, CUSTOMER, **body)
    else:
        case.order(REGISTER, CONTACT_CENTRE.client, case.clerk, **body)


def _how(case: Case, number: int, by_bot: bool) -> dict[str, Any]:
    random = case.random
    # One in eight comes from a customer who complained shortly before.
    customer = number - random.randrange(1, 20) if random.random() < 0.12 else number
    body: dict[str, Any] = {
        "channel": case.channel,
        "source_system": "demo",
        "source_tier": "second_line" if case.channel in _SECOND_LINE else "first_line",
        "external_ref": case.key.removeprefix("simulate:").replace(":", "-"),
        "received_unit": CONTACT_CENTRE.id,
        "nature": "complaint",
        "origin": "bot" if by_bot else "person",
        "language": {"zh": "zh-CN", "en": "en"}[case.language],
        "complainant": {"role": "customer"},
    }
    if random.random() < 0.9:  # the others stay anonymous
        body["customer_id"] = f"demo-customer-{max(customer, 1):05d}"
    if case.channel == "social":
        body["exposure"] = {
            "is_public": True,
            "platform": random.choice(("微博", "小红书", "抖音")),
            "reach": random.randrange(50, 20_000),
        }
    return body


def _about(case: Case) -> dict[str, Any]:
    random, problem = case.random, case.problem
    amount = random.randrange(30, 2000)
    narrative = random.choice(getattr(problem, case.language))
    body: dict[str, Any] = {
        "narrative": narrative.format(days=random.randrange(3, 20), amount=amount),
        "requested_remedy": {"kind": problem.remedy},
        "unit_complained_about": case.owner.id,
        "region": random.choices(_REGIONS, _REGION_WEIGHTS)[0],
        "problem_at": case.now - timedelta(hours=random.randrange(2, 200)),
    }
    if "{amount}" in narrative:
        body["disputed_amount"] = {"minor": amount * 100, "currency": "CNY"}
    if problem.is_grave:
        body["safety_signal"] = True
    return body


def _goods(case: Case, number: int) -> dict[str, Any]:
    if case.problem.model is None:
        return {"order_ref": f"D{number:08d}"}
    random = case.random
    bought_on = (case.now - timedelta(days=random.randrange(20, 700))).date()
    return {
        "order_ref": f"D{number:08d}",
        "product": {
            "model": case.problem.model,
            "batch": f"{bought_on.year}W{random.randrange(1, 53):02d}",
            "supplier": f"supplier-{random.randrange(1, 5)}",
        },
        "purchase": {
            "channel": random.choice(("shop", "online")),
            "date": bought_on,
            "warranty_until": bought_on + timedelta(days=730),
        },
    }


def _known_that_day(case: Case, number: int) -> dict[str, Any]:
    random = case.random
    tier = random.choices(("ordinary", "silver", "vip"), (75, 20, 5))[0]
    body: dict[str, Any] = {"customer_tier": {"value": tier, "source": "membership"}}
    if random.random() < 0.08:
        group = "foreign_national" if case.language == "en" else "older_person"
        body["special_groups"] = {"values": [group], "source": "customer"}
    return body

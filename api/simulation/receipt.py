"""The receipt of a complaint of the demonstration: all that a registration can record (I13)."""

from datetime import timedelta
from typing import Any

from api.desk import REGISTER
from api.simulation.actors import BOT, CONTACT_CENTRE, CUSTOMER
from api.simulation.case import Case
from api.simulation.telling import LANGUAGES

_SECOND_LINE = frozenset({"social"})


def receive(case: Case, *, by_bot: bool = False, is_bare: bool = False, **told: Any) -> None:
    """Register the complaint, by the clerk, by a bot, or by the customer on the web page."""
    body = _how(case, by_bot) | _about(case) | _goods(case)
    if not is_bare:
        body |= _known_that_day(case)
    body |= told
    if by_bot:
        case.order(REGISTER, BOT, **body)
    elif case.channel == "web":
        case.order(REGISTER, CUSTOMER, **body)
    else:
        case.order(REGISTER, CONTACT_CENTRE.client, case.clerk, **body)


def _how(case: Case, by_bot: bool) -> dict[str, Any]:
    random = case.random
    body: dict[str, Any] = {
        "channel": case.channel,
        "source_system": case.source_system,
        "source_tier": "second_line" if case.channel in _SECOND_LINE else "first_line",
        "external_ref": case.key.removeprefix("simulate:").replace(":", "-"),
        "received_unit": CONTACT_CENTRE.id,
        "nature": "complaint",
        "origin": "bot" if by_bot else "person",
        "language": LANGUAGES[case.customer.language],
        "complainant": {"role": "customer"},
    }
    if case.is_through_outside_body:
        body["outside_body_ref"] = f"12315-{case.key.removeprefix('simulate:')}"
        body["reply_due_at"] = case.now + timedelta(days=15)
    if case.customer.id is not None:
        body["customer_id"] = case.customer.id
        card = {"kind": "member_number", "value": f"M-{case.customer.id}"}
        body["complainant"] = {"role": "customer", "handle": card}
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
    narrative = random.choice(getattr(problem, case.customer.language))
    body: dict[str, Any] = {
        "narrative": narrative.format(days=random.randrange(3, 20), amount=amount),
        "requested_remedy": {"kind": problem.remedy},
        "unit_complained_about": case.owner.id,
        "region": case.customer.region,
        "problem_at": case.now - timedelta(hours=random.randrange(2, 200)),
    }
    if "{amount}" in narrative:
        body["disputed_amount"] = {"minor": amount * 100, "currency": "CNY"}
    if "安全" in problem.tags:
        body["safety_signal"] = True
    return body


def _goods(case: Case) -> dict[str, Any]:
    """The order, and the goods if it is about any; the problem key has their model in it."""
    body: dict[str, Any] = {"order_ref": case.order_ref}
    if case.problem.model is None:
        return body
    random = case.random
    bought_on = (case.now - timedelta(days=random.randrange(20, 700))).date()
    body["product"] = {
        "model": case.problem.model,
        "serial_no": f"SN-{case.order_ref}",
        "batch": f"{bought_on.year}W{random.randrange(1, 53):02d}",
        "supplier": f"supplier-{random.randrange(1, 5)}",
    }
    return body


def _known_that_day(case: Case) -> dict[str, Any]:
    random = case.random
    tier = random.choices(("ordinary", "silver", "vip"), (75, 20, 5))[0]
    body: dict[str, Any] = {"customer_tier": {"value": tier, "source": "membership"}}
    if random.random() < 0.08:
        group = "foreign_national" if case.customer.language == "en" else "older_person"
        body["special_groups"] = {"values": [group], "source": "customer"}
    if case.problem.model is not None:
        bought_on = (case.now - timedelta(days=random.randrange(20, 700))).date()
        body["purchase"] = {
            "channel": random.choice(("shop", "online")),
            "date": bought_on,
            "warranty_until": bought_on + timedelta(days=730),
        }
    return body

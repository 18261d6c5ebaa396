"""Every mistake that can be made around a body, as data: at which routes, how, and the answer."""

from collections.abc import Iterator
from uuid import UUID

from msgspec.structs import replace

from api.http import Route
from api.keys import ACCESS_STREAM
from domain.complaint import ALLOWED
from domain.complaint.state import ANY
from tests.api.attempts import PERSON, Attempt, Mistake, Wrong
from tests.api.mistakes_in_bodies import IN_BODIES, with_body


def everywhere(route: Route) -> bool:
    return True


def with_key(route: Route) -> bool:
    return route.roles is not None


def with_address(route: Route) -> bool:
    return "{address}" in route.path


def conditional(route: Route) -> bool:
    return with_body(route) and with_address(route)


def bound_to_stages(route: Route) -> bool:
    return conditional(route) and ALLOWED[route.body] != ANY  # type: ignore[index]


# --- addresses, stages, versions ------------------------------------------------------------


def unknown_complaint(attempt: Attempt) -> Iterator[Wrong]:
    tracking = attempt.case.tracking_number
    other_digit = str((int(tracking[-1]) + 1) % 10)
    for address in (
        str(UUID(int=7)),
        "01957a6e-0000-7000-8000-00000000ffff",
        str(ACCESS_STREAM),
        tracking[:-1] + other_digit,
        "CL0-999999-8",
        "CL999-000001-2",
        "CL0-000001-8",  # an event of the keys
        PERSON.replace(" ", "-"),
        f"phone:{PERSON.replace(' ', '%20')}",
        ":",
        "phone:",
        ":x",
        "%00",
        "phone:%00",
        "phone:a%2Fb",
        "*",
        "'; DROP TABLE ledger.events; --".replace(" ", "%20").replace(";", "%3B"),
        "%F0%9F%98%A1",
        "x" * 5000,
    ):
        yield Wrong(attempt.to(address))


def address_not_utf8(attempt: Attempt) -> Iterator[Wrong]:
    for address in ("%FF", "phone:%ED%A0%80"):
        yield Wrong(attempt.to(address))


def unknown_complaint_and_version(attempt: Attempt) -> Iterator[Wrong]:
    yield Wrong(attempt.to(str(UUID(int=7))).told(If_Match='"1"'))
    yield Wrong(attempt.to(str(ACCESS_STREAM)).told(If_Match='"1"'))


def forbidden_stage(attempt: Attempt) -> Iterator[Wrong]:
    yield Wrong(attempt.to(attempt.elsewhere.complaint_id))


def wrong_version(attempt: Attempt) -> Iterator[Wrong]:
    for version in (0, attempt.case.version - 1, attempt.case.version + 1, 999_999_999):
        yield Wrong(attempt.told(If_Match=f'"{version}"'))


def ill_formed_if_match(attempt: Attempt) -> Iterator[Wrong]:
    version = attempt.case.version
    for value in (f"{version}", f'W/"{version}"', "*", '"x"', '""', '"-1"', '"1","2"', '"1" "1"'):
        yield Wrong(attempt.told(If_Match=value))
    yield Wrong(attempt.told(If_Match=[f'"{version}"', f'"{version}"']))


# --- keys -----------------------------------------------------------------------------------


def idempotency_key(attempt: Attempt) -> Iterator[Wrong]:
    for value in (None, "", "two words", "k" * 201, "schlüssel", PERSON, "tab\there"):
        yield Wrong(attempt.told(Idempotency_Key=value))
    yield Wrong(attempt.told(Idempotency_Key=["one", "two"]))


def used_key(attempt: Attempt) -> Iterator[Wrong]:
    yield Wrong(attempt.told(Idempotency_Key=attempt.used))


def on_behalf_of(attempt: Attempt) -> Iterator[Wrong]:
    for value in ("", PERSON, "a" * 65, "a@b.example", "王", PERSON.split()[-1]):
        yield Wrong(attempt.told(On_Behalf_Of=value))


def credentials(attempt: Attempt) -> Iterator[Wrong]:
    good = attempt.keys["supervisor"]
    known, secret = good[3:15], good[16:]
    for value in (
        None,
        "",
        "Bearer",
        good,
        f"Basic {good}",
        f"Bearer  {good}",
        f"Bearer {good}x",
        f"Bearer {good[:-1]}",
        f"Bearer cl_{known[::-1]}_{secret}",
        f"Bearer cl_{known}_{secret[::-1]}",
        f"Bearer cl_{attempt.keys['admin'][3:15]}_{secret}",
        f"Bearer {attempt.keys['revoked']}",
        f"Bearer {PERSON}",
        "Bearer cl_'; DROP--",
    ):
        yield Wrong(attempt.told(Authorization=value))
    yield Wrong(attempt.told(Authorization=[f"Bearer {good}", f"Bearer {good}"]))


def unknown_query(attempt: Attempt) -> Iterator[Wrong]:
    for query in ("nonsense=1", "Wang+Xiaoming=13800138000", "=1", "%00=1", "%FF=1", "LIMIT=1"):
        yield Wrong(replace(attempt, query=query))


MISTAKES = (
    *IN_BODIES,
    Mistake("unknown complaint", with_address, 404, "unknown-complaint", unknown_complaint),
    Mistake("address not UTF-8", with_address, 404, "not-found", address_not_utf8),
    Mistake(
        "version of nothing", conditional, 404, "unknown-complaint", unknown_complaint_and_version
    ),
    Mistake("forbidden stage", bound_to_stages, 409, "not-allowed-at-stage", forbidden_stage),
    Mistake("wrong version", conditional, 412, "version-conflict", wrong_version),
    Mistake("ill-formed If-Match", conditional, 400, "bad-header", ill_formed_if_match),
    Mistake("ill-formed Idempotency-Key", with_body, 400, "bad-header", idempotency_key),
    Mistake("Idempotency-Key reused", with_body, 422, "idempotency-key-reused", used_key),
    Mistake("ill-formed On-Behalf-Of", with_body, 400, "bad-header", on_behalf_of),
    Mistake("credentials", with_key, 401, "unauthenticated", credentials),
    Mistake("unknown query parameter", everywhere, 400, "unknown-query", unknown_query),
)

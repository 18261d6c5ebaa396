"""A key with a rate makes so many requests a minute; more are refused until time has passed."""

import psycopg
import pytest

from api.client import Client
from api.problems import ProblemError
from api.rates import Rates
from tests.api.serving import Api


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def client(rate: int | None, name: str = "key:a") -> Client:
    return Client(principal="shop-1", client_id=name, role="integrator", rate_per_minute=rate)


def refused(rates: Rates, who: Client) -> int:
    """The seconds after which they are told to come back."""
    with pytest.raises(ProblemError) as told:
        rates.let_in(who)
    assert told.value.problem.code == "rate-limited"
    return int(told.value.headers["Retry-After"])


def test_a_minutes_worth_may_come_at_once_and_then_as_time_passes() -> None:
    clock = Clock()
    rates, shop = Rates(clock), client(60)
    for _ in range(60):
        rates.let_in(shop)
    assert refused(rates, shop) == 1
    clock.seconds += 1
    rates.let_in(shop)
    assert refused(rates, shop) == 1
    clock.seconds += 3600  # an hour of silence saves up no more than a minute's worth
    for _ in range(60):
        rates.let_in(shop)
    refused(rates, shop)


@pytest.mark.parametrize("rate", [1, 7, 59, 1000])
def test_who_waits_as_long_as_they_are_told_is_let_in(rate: int) -> None:
    clock = Clock()
    rates, shop = Rates(clock), client(rate)
    rates.charge(shop, rate + 5)
    for _ in range(20):
        clock.seconds += refused(rates, shop)
        rates.let_in(shop)
        rates.charge(shop, 3 * rate)


def test_the_lines_of_a_bulk_request_are_owed() -> None:
    clock = Clock()
    rates, shop = Rates(clock), client(600)
    rates.let_in(shop)
    rates.charge(shop, 9_999)
    assert refused(rates, shop) == 941  # 9,400 owed, and one to come, at ten a second
    clock.seconds += 941
    rates.let_in(shop)


def test_keys_are_counted_apart_and_those_without_a_rate_not_at_all() -> None:
    rates = Rates(Clock())
    rates.let_in(client(1))
    refused(rates, client(1))
    rates.let_in(client(1, "key:b"))
    for _ in range(1000):
        rates.let_in(client(None, "key:c"))
        rates.charge(client(None, "key:c"), 1000)


def test_too_many_requests_are_told_when_to_come_back_in_both_languages(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.limited_key('agent', 3)}"}
    answers = [api.http.get("/v1/complaints", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = answers[-1].json()
    assert (told["code"], told["retryable"]) == ("rate-limited", True)
    assert "3 requests a minute" in told["detail"]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    chinese = api.http.get("/v1/problems", headers={**headers, "Accept-Language": "zh-CN"})
    assert "每分钟最多 3 次" in chinese.json()["detail"]
    assert api.get("/v1/complaints").status_code == 200, "other keys go on"
    assert api.http.get("/health/live").status_code == 200


def test_the_history_says_which_rate_a_key_was_given(api: Api) -> None:
    key = api.limited_key("agent", 77)
    with psycopg.connect(api.database.owner) as connection:
        row = connection.execute(
            "SELECT schema_version, data ->> 'rate_per_minute' FROM ledger.readable_events"
            " WHERE type = 'KeyIssued' AND data ->> 'key_id' = %s",
            (key.split("_")[1],),
        ).fetchone()
    assert row == (2, "77")

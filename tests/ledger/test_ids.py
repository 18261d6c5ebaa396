"""Ids are what their standards say, however they are made."""

import time
from uuid import RFC_4122, UUID, uuid4, uuid5

from hypothesis import given
from hypothesis import strategies as st

from ledger.ids import command_id, new_stream_id, read_tracking_number, tracking_number

COMMANDS = UUID("6f1c6c1e-8f3b-4b52-9d2e-0c5d3a1c7e11")


@given(st.text(), st.text())
def test_the_id_of_a_command_is_a_uuid_of_version_5_for_ever(principal: str, key: str) -> None:
    assert command_id(principal, key) == uuid5(COMMANDS, f"{principal}\n{key}")


def test_streams_have_ids_of_their_own_in_the_partition_of_their_hint() -> None:
    ids = []
    for hint in (uuid4() for _ in range(100)):
        ids.append(new_stream_id(hint))
        assert (ids[-1].version, ids[-1].variant) == (7, RFC_4122)
        assert ids[-1].int & 0xFF == hint.int & 0xFF
    assert len(set(ids)) == len(ids)
    assert new_stream_id("a customer").int & 0xFF == new_stream_id("a customer").int & 0xFF


def test_the_id_of_a_stream_begins_with_the_time_it_was_made() -> None:
    before, made, after = time.time_ns(), new_stream_id(), time.time_ns()
    assert before // 10**6 <= made.int >> 80 <= after // 10**6


def test_the_check_digit_is_luhn_s() -> None:
    assert tracking_number(7, 992739871) == "CL7-992739871-3"  # 7992739871 is the known example


@given(st.integers(0, 255), st.integers(1, 10**12), st.integers(0, 8), st.integers(1, 9))
def test_a_mistyped_digit_is_noticed(partition: int, position: int, at: int, more: int) -> None:
    number = tracking_number(partition, position)
    assert read_tracking_number(number.lower()) == (partition, position)
    places = [index for index, letter in enumerate(number) if letter.isdigit()]
    wrong = places[at % len(places)]
    digit = (int(number[wrong]) + more) % 10
    assert read_tracking_number(f"{number[:wrong]}{digit}{number[wrong + 1 :]}") is None

"""Commands carried out together: plain ones share a commit, whatever else is left to `execute`."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.access import ACCESS, IssueKey
from domain.complaint import COMPLAINT
from ledger.application import Ledger
from ledger.ids import new_stream_id
from ledger.migrate import migrate
from ledger.together import Intent
from tests.conftest import Database
from tests.ledger.test_execute import (
    ACCEPT,
    ASSESS,
    CONTACT,
    REGISTER,
    context,
    registered,
    run,
    send,
)


def _intent(stream_id: UUID, command: Any, key: str | None = None, **options: Any) -> Intent:
    said = repr(command).encode()
    return Intent(COMPLAINT, stream_id, command, context(key or str(uuid4())), said, **options)


def _new(key: str | None = None) -> Intent:
    return _intent(new_stream_id(), REGISTER, key, is_new=True, status=201)


@pytest.mark.parametrize("partitions", [1, 4])
def test_what_is_refused_among_others_changes_nothing_and_leaves_them_alone(
    partitions: int, fresh_database: Database
) -> None:
    if partitions > 1:
        migrate(fresh_database.owner, partitions=partitions)

    async def story(ledger: Ledger) -> None:
        made = [(await registered(ledger)).stream_id for _ in range(5)]
        await send(ledger, made[4], ASSESS, str(uuid4()))
        key = Intent(
            ACCESS,
            new_stream_id(),
            IssueKey(key_id="abc", principal="p", role="agent"),
            context(str(uuid4())),
            b"key",
            is_new=True,
        )
        receipts = await ledger.execute_all(
            [
                _intent(made[0], ASSESS),
                _intent(made[1], ACCEPT),  # it has to be assessed first
                _intent(made[2], CONTACT, expected_version=1),
                _intent(made[3], CONTACT, expected_version=2),  # there is none
                _intent(made[4], ACCEPT),
                _intent(new_stream_id(), CONTACT),  # it was never registered
                _new(),
                key,
            ]
        )
        versions = [None if receipt is None else receipt.version for receipt in receipts]
        assert versions == [2, None, 2, None, 3, None, 1, 1]
        for stream_id, version in zip(made, [2, 1, 2, 1, 3], strict=True):
            assert len(await ledger.history(stream_id)) == version
        [of_another_kind] = await ledger.execute_all([_intent(key.stream_id, CONTACT)])
        assert of_another_kind is None

    run(fresh_database, story)


@pytest.mark.parametrize("partitions", [1, 4])
def test_what_was_sent_before_is_never_done_twice(
    partitions: int, fresh_database: Database
) -> None:
    if partitions > 1:
        migrate(fresh_database.owner, partitions=partitions)

    async def story(ledger: Ledger) -> None:
        keys = [str(uuid4()) for _ in range(20)]
        once = await ledger.execute_all([_new(key) for key in keys])
        again = await ledger.execute_all([_new(key) for key in [*keys, str(uuid4())]])
        for key, first, second in zip(keys, once, again[:-1], strict=True):
            assert first is not None
            told = second or await send(
                ledger, new_stream_id(), REGISTER, key, is_new=True, status=201
            )
            assert told.is_replay
            assert told.stream_id == first.stream_id
        assert again[-1] is not None
        assert sum((await ledger.heads()).values()) == 21

    run(fresh_database, story)


def test_who_came_second_on_a_stream_is_left_to_be_decided_again(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        first, second = await ledger.execute_all(
            [_intent(stream_id, CONTACT), _intent(stream_id, CONTACT)]
        )
        assert first is not None
        assert second is None
        assert len(await ledger.history(stream_id)) == first.version == 2

    run(database, story)

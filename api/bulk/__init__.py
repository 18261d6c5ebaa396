"""Many commands in one request: `POST /v1/commands`, a line of NDJSON each.

The body is read before the first line is carried out, so that a client may send everything
before it reads; 16 MiB bound what is kept. Lines on one complaint take effect in their order, and
so do merges with lines on their target and all proposals out of goodwill, which are decided by one
another; others go side by side, so that they share commits. A client that leaves stops what was
not begun.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import msgspec
import structlog
from msgspec.structs import replace

from api import problems
from api.bulk.addresses import Addresses
from api.bulk.lines import MAX_BODY, BulkLine, Line, lines_of, understood
from api.bulk.turns import Turns
from api.commands import CommandAnswer, carry_out, told_of
from api.desk import COMMANDS, Order
from api.examples import EXAMPLES
from api.http import Answer, Asked, Parameter, Route, as_problem
from api.openapi import NDJSON
from api.parameters import ACCEPT_LANGUAGE, ON_BEHALF_OF, ErrorsOf, is_wanted
from api.parameters import on_behalf_of as named
from api.problems import Problem, ProblemError, told
from api.roles import ROLES, may_order
from api.strict import FieldError
from domain.kernel import Rejected
from ledger.entry import Receipt
from projections.halting import cause_of

log = structlog.get_logger("closedloop.bulk")

GROUP = 64
"""How many lines are carried out together; where two groups wait, they share a commit."""
GROUPS_SIDE_BY_SIDE = 2
"""Of a request: while one is being committed, the next is understood and decided."""
GROUPS_AT_ONCE = 8
"""Of all requests together: an eighth of what may wait for a writer; the rest is for others."""
_AT_ONCE = 256  # lines answered in one chunk
_TELL_EVERY_SECONDS = 0.02  # fewer at least as often: each chunk wakes the client


class BulkAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a line: the receipt of its command, or the problem it met."""

    line: int
    status: int
    receipt: CommandAnswer | None = None
    is_replay: bool = False
    problem: Problem | None = None


def routes() -> list[Route]:
    """The route of bulk requests."""
    return [
        Route(
            method="POST",
            path="/v1/commands",
            operation="GiveCommands",
            tag="Commands",
            summary="Many commands in one request, a line of JSON each, answered line by line.",
            description=_DESCRIPTION,
            handler=_give,
            answer=BulkAnswer,
            media_type=NDJSON,
            roles=frozenset(r for r in ROLES if any(may_order(r, name) for name in COMMANDS)),
            parameters=(
                Parameter(
                    name="stop_on_error",
                    place="query",
                    description="`true`: one line after the other, and none after the first that"
                    " is refused.",
                    schema={"type": "boolean", "default": False},
                ),
                ON_BEHALF_OF,
                ACCEPT_LANGUAGE,
            ),
            lines=BulkLine,
            body_example=_EXAMPLE,
            problems=(
                *ErrorsOf.KEYED,
                problems.NOT_JSON,
                problems.BAD_HEADER,
                problems.BAD_QUERY,
                problems.UNKNOWN_QUERY,
                problems.TOO_LARGE,
                problems.UNSUPPORTED_MEDIA_TYPE,
                problems.VIEW_BEHIND,
            ),
        )
    ]


_DESCRIPTION = (
    "At most 10,000 lines (blank ones counted), 16 MiB, 1 MiB a line. Each line is an order with"
    " an `idempotency_key` of its own, and is checked and remembered as a single command is: after"
    " a lost connection send the same again. Lines on one complaint take effect in order, whichever"
    " way they address it; a line that is refused does not stop the rest. A line may address what"
    " an earlier line registers by its `channel` and `external_ref` or by its `registration_key`."
    " Answers are `{line, status, receipt | problem}`, in the order of the lines."
)
_EXAMPLE = "".join(
    msgspec.json.encode(line).decode() + "\n"
    for line in (
        {
            "command": "RegisterComplaint",
            "idempotency_key": "shop-1",
            "body": EXAMPLES["RegisterComplaint"],
        },
        {
            "command": "AssessComplaint",
            "idempotency_key": "shop-2",
            "complaint": {"registration_key": "shop-1"},
            "if_match": 1,
            "body": EXAMPLES["AssessComplaint"],
        },
    )
)


async def _give(asked: Asked) -> Answer:
    """Read every line, and answer them as they are carried out."""
    stops = is_wanted(asked, "stop_on_error")
    person = named(asked)
    texts = lines_of(await asked.body(NDJSON, MAX_BODY))
    asked.services.rates.charge(asked.who, len(texts) - 1)
    request_id = str(asked.request.scope.get("request_id", ""))
    lines = []
    for number, text in texts:
        lines.append(understood(number, text, asked.who.principal, person, request_id))
        if len(lines) % GROUP == 0:
            await asyncio.sleep(0)  # others have their turn
    addresses = Addresses(lines)
    await addresses.look_up(lines, asked.services.places, asked.services.ledger, asked.who)
    return Answer(content=Bulk(asked, lines, addresses, stops=stops).answers(), media_type=NDJSON)


class Bulk:
    """The lines of a request under way: which may begin, and what became of the others."""

    def __init__(
        self, asked: Asked, lines: Sequence[Line], addresses: Addresses, *, stops: bool
    ) -> None:
        """Find out which lines wait for which; `stops` where the first refusal is the end."""
        self._asked = asked
        self._lines = lines
        self._addresses = addresses
        self._stops = stops
        self._is_stopped = False
        self._turns = Turns([addresses.same(line) if line.order else set() for line in lines])
        self._answers: list[bytes | Exception | None] = [None] * len(lines)
        self._is_more_answered = asyncio.Event()

    async def answers(self) -> AsyncGenerator[bytes, None]:
        """The answers in the order of the lines: by 256, or as many as there are every 20 ms."""
        # One after the other where a refusal is the end: nothing later may have been begun.
        hands = 1 if self._stops else GROUPS_SIDE_BY_SIDE
        workers = [asyncio.create_task(self._work()) for _ in range(hands)]
        loop = asyncio.get_running_loop()
        told, tell_at = 0, loop.time() + _TELL_EVERY_SECONDS
        try:
            while (left := len(self._lines) - told) > 0:
                chunk = self._answered(told)
                if len(chunk) >= min(left, _AT_ONCE) or (chunk and loop.time() >= tell_at):
                    yield b"".join(chunk)
                    told, tell_at = told + len(chunk), loop.time() + _TELL_EVERY_SECONDS
                    continue
                alarm = loop.call_at(tell_at, self._is_more_answered.set) if chunk else None
                self._is_more_answered.clear()
                await self._is_more_answered.wait()
                if alarm is not None:
                    alarm.cancel()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _answered(self, told: int) -> list[bytes]:
        """The answers after those that were told, as far as they are there in a row."""
        chunk: list[bytes] = []
        for answer in self._answers[told : told + _AT_ONCE]:
            if not isinstance(answer, bytes):
                if answer is not None and not chunk:
                    raise answer
                break
            chunk.append(answer)
        return chunk

    async def _work(self) -> None:
        while True:
            group = await self._turns.next(1 if self._stops else GROUP)
            try:
                async with self._asked.services.groups:
                    answers = await self._carried_out_together(group)
            except Exception as error:  # nobody may wait for them in vain: the answer breaks off
                for index in group:
                    self._answers[index] = error
                raise
            else:
                for index, answer in zip(group, answers, strict=True):
                    self._note(index, answer)
            finally:
                self._is_more_answered.set()

    def _note(self, index: int, answer: BulkAnswer) -> None:
        """What became of a line: others may begin now."""
        if answer.status >= 400:
            self._is_stopped = self._stops
        if answer.status >= 500 or self._turns.is_held(index):
            self._turns.hold(index)
        self._turns.end(index)
        self._answers[index] = msgspec.json.encode(answer) + b"\n"

    async def _carried_out_together(self, group: list[int]) -> list[BulkAnswer]:
        """The answers to lines on different complaints; most go together, the others alone."""
        orders = {index: order for index in group if (order := self._plain_order(index))}
        receipts: dict[int, Receipt] = {}
        try:
            taken = await self._asked.services.desk.take_all(list(orders.values()), self._asked.who)
            receipts = {index: one for index, one in zip(orders, taken, strict=True) if one}
        except Exception as error:  # each line tells what is wrong with it
            log.warning("lines are carried out one by one", cause=cause_of(error))
        answers = {
            index: self._accepted(self._lines[index], receipt)
            for index, receipt in receipts.items()
        }
        if alone := [index for index in group if index not in receipts]:
            told = await asyncio.gather(*map(self._carried_out, alone))
            answers |= zip(alone, told, strict=True)
        return [answers[index] for index in group]

    def _plain_order(self, index: int) -> Order | None:
        """What a line orders, with its complaint; None where anything is wrong with it.

        None as well where others are to be read first, which may take as long as a view does.
        """
        line = self._lines[index]
        if line.order is None or line.others or self._stops or self._turns.is_held(index):
            return None
        if line.is_registration:
            return line.order
        try:
            return replace(line.order, complaint_id=self._addresses.find(line))
        except (ProblemError, Rejected):
            return None

    async def _carried_out(self, index: int) -> BulkAnswer:
        line = self._lines[index]
        try:
            if self._is_stopped or self._turns.is_held(index):
                raise ProblemError(problems.SKIPPED)
            if line.order is None:
                raise line.failure or AssertionError("a line is an order or a failure")
            receipt = await self._receipt(line)
        except Exception as error:
            problem = as_problem(error)
            return BulkAnswer(
                line=line.number,
                status=problem.problem.status,
                problem=told(self._asked.request, problem),
            )
        return self._accepted(line, receipt)

    def _accepted(self, line: Line, receipt: Receipt) -> BulkAnswer:
        if line.is_registration:
            self._addresses.registered(line, receipt.stream_id)
        return BulkAnswer(
            line=line.number,
            status=receipt.status,
            receipt=told_of(receipt, is_registration=line.is_registration),
            is_replay=receipt.is_replay,
        )

    async def _receipt(self, line: Line) -> Receipt:
        assert line.order is not None

        async def find() -> UUID:
            return self._addresses.find(line)

        try:
            receipt = await carry_out(
                self._asked, line.order, None if line.is_registration else find
            )
        except ProblemError as error:
            error.errors = tuple(
                FieldError(f"/body{wrong.pointer}", wrong.code, wrong.detail)
                for wrong in error.errors
            )
            raise
        assert isinstance(receipt, Receipt)
        return receipt

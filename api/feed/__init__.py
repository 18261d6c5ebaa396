"""The feed: every event in the order of the ledger, as pages of JSON or as server-sent events.

Within a partition events are in order and none is left out but those that the filters, or the
role of the key, exclude. Across partitions there is no order; a token holds a place in each.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import msgspec

from api import problems
from api.document.reading import EventDocument, event_document
from api.feed.pages import MOST, Page, Wanted, until
from api.http import Answer, Asked, Parameter, Route, as_problem, recognise
from api.negotiation import ranks
from api.parameters import ACCEPT_LANGUAGE, TOKEN, ErrorsOf, whole_number
from api.places import AmbiguousAddress
from api.problems import ProblemError, of_rule
from api.roles import MAY_FOLLOW, READ_FEED, READ_PERSONAL
from domain.complaint import UnknownComplaint
from domain.customer.profile import SpecialGroupsRecorded
from domain.kernel import Recorded
from ledger.ids import read_token, write_token

EVENT_STREAM = "text/event-stream"
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
_PERSONAL_BY_ITSELF = frozenset({SpecialGroupsRecorded.__name__})
"""Types of events that tell something personal though nothing personal of them is shown."""


class FeedEvent(EventDocument, kw_only=True):
    """An event of the feed, with the stream it belongs to."""

    stream: str
    stream_id: UUID


class EventPage(msgspec.Struct, kw_only=True):
    """A page of the feed; `next` is the token to read on from, at any later time."""

    events: list[FeedEvent]
    next: str
    is_at_head: bool


def routes() -> list[Route]:
    """The route of the feed."""
    # long: one route with its parameters
    return [
        Route(
            method="GET",
            path="/v1/events",
            operation="ReadEvents",
            tag="Events",
            summary="Every event, in the order of the ledger: pages of JSON, or a stream (SSE).",
            description="In order within a partition; across partitions there is none. Ask with"
            " `Accept: text/event-stream` for a stream: the id of each event is the token to"
            " resume from (`Last-Event-ID`), comments are heartbeats. A page may hold fewer"
            " events than `limit`, or none, before the head: read on while `is_at_head` is false."
            " Personal data is left out for roles without the right to it; events of keys are for"
            " auditors and admins, refusals for roles that read histories.",
            handler=_read,
            answer=EventPage,
            also=((200, EVENT_STREAM, None),),
            roles=READ_FEED,
            parameters=(
                Parameter(
                    name="after",
                    place="query",
                    description="The `next` of the page before, or a `Ledger-Position`; a"
                    " partition left out, or no token, is from the beginning.",
                    schema=TOKEN,
                ),
                Parameter(
                    name="Last-Event-ID",
                    place="header",
                    description="Of a stream: the id of the last event received; before `after`.",
                    schema=TOKEN,
                ),
                Parameter(
                    name="limit",
                    place="query",
                    description="How many at most; of a stream, how many are read at a time.",
                    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": 100},
                ),
                Parameter(
                    name="type",
                    place="query",
                    description="Only events of these types, joined by commas.",
                    schema={"type": "string", "pattern": "^[A-Za-z]{1,64}(,[A-Za-z]{1,64}){0,49}$"},
                ),
                Parameter(
                    name="complaint",
                    place="query",
                    description="Only events of this complaint, by any of its addresses.",
                    schema={"type": "string", "minLength": 1, "maxLength": 600},
                ),
                ACCEPT_LANGUAGE,
            ),
            problems=(
                *ErrorsOf.KEYED,
                problems.BAD_HEADER,
                problems.BAD_QUERY,
                problems.UNKNOWN_QUERY,
                problems.VIEW_BEHIND,
                of_rule(UnknownComplaint),
                of_rule(AmbiguousAddress),
            ),
        )
    ]


async def _read(asked: Asked) -> Answer:
    """A page, or a stream of what is there and what comes."""
    limit = whole_number(asked, "limit", 100, 1, MOST)
    wanted = Wanted(
        types=_types(asked),
        stream_id=await _complaint(asked),
        hidden=_hidden(asked),
    )
    after = await _after(asked)
    if asked.request.method == "GET" and _wants_stream(asked):
        return Answer(
            content=_stream(asked, after, wanted, limit),
            headers={"X-Accel-Buffering": "no"},
            media_type=EVENT_STREAM,
        )
    page = await asked.services.feed.page(after, wanted, limit)
    return Answer(
        content=EventPage(
            events=[_told(recorded, asked) for recorded in page.events],
            next=write_token(page.places),
            is_at_head=page.is_at_head,
        )
    )


# --- what is asked for ----------------------------------------------------------------------


def _wants_stream(asked: Asked) -> bool:
    """Whether a stream is named and ranked no lower than JSON; who takes anything gets JSON."""
    accept = asked.headers.get("accept", "")
    stream_rank, json_rank = ranks(accept, EVENT_STREAM, "application/json")
    return 0 < stream_rank >= json_rank


async def _after(asked: Asked) -> dict[int, int]:
    """The places to read on from; those of a stream that broke off come first."""
    expected = "the next of a page, or the id of an event"
    resumed = asked.header("Last-Event-ID", TOKEN["pattern"], expected)
    token = asked.query("after") if resumed is None else resumed
    if token is None:
        return {}
    heads = await asked.services.ledger.heads()
    try:
        places = read_token(token)
        if any(position > heads.get(partition, -1) for partition, position in places.items()):
            raise ValueError("beyond the end of the ledger")
    except ValueError:
        problem = problems.BAD_QUERY if resumed is None else problems.BAD_HEADER
        name = "after" if resumed is None else "Last-Event-ID"
        raise ProblemError(problem, name=name, expected=expected) from None
    return places


def _types(asked: Asked) -> list[str] | None:
    text = asked.query("type")
    if text is None:
        return None
    types = text.split(",")
    if len(types) > 50 or not set(types) <= set(asked.services.feed.streams):
        raise ProblemError(problems.BAD_QUERY, name="type", expected="1 to 50 types of events")
    return types


async def _complaint(asked: Asked) -> UUID | None:
    address = asked.query("complaint")
    if address is None:
        return None
    complaint_id: UUID = await asked.services.places.complaint(address)
    if not await asked.services.desk.knows(complaint_id):
        raise UnknownComplaint
    return complaint_id


def _hidden(asked: Asked) -> list[str]:
    """The types of events that are not for this role."""
    role, streams = asked.who.role, asked.services.feed.streams
    return [
        name
        for name, stream in streams.items()
        if role not in MAY_FOLLOW.get(stream, READ_FEED)
        or (name in _PERSONAL_BY_ITSELF and role not in READ_PERSONAL)
    ]


def _told(recorded: Recorded[Any], asked: Asked) -> FeedEvent:
    document = event_document(recorded, asked.who)
    return FeedEvent(
        stream=asked.services.feed.streams[document.type],
        stream_id=recorded.stream_id,
        **msgspec.structs.asdict(document),
    )


# --- the stream -----------------------------------------------------------------------------


async def _stream(
    asked: Asked, after: dict[int, int], wanted: Wanted, limit: int
) -> AsyncGenerator[bytes, None]:
    """What is there and what comes, until the client goes, its key is revoked, or we stop."""
    feed, clock = asked.services.feed, asyncio.get_running_loop().time
    places, told_at = after, clock()
    yield b"retry: 1000\n" + _id(places)
    while not feed.is_closing:
        news = feed.news
        try:
            page = await _look(asked, places, wanted, limit)
        except Exception as error:  # logged where it has to be; the client resumes
            as_problem(error)
            return
        for recorded in page.events:
            places = {**places, recorded.partition: recorded.position}
            told_at = clock()
            yield b"data: " + msgspec.json.encode(_told(recorded, asked)) + b"\n" + _id(places)
        places = page.places
        if page.is_at_head:
            await until(news, POLL_SECONDS)
        if clock() - told_at >= HEARTBEAT_SECONDS:
            told_at = clock()
            yield b": heartbeat\n" + _id(places)


async def _look(asked: Asked, after: dict[int, int], wanted: Wanted, limit: int) -> Page:
    """The next page, if the key still opens it."""
    await recognise(asked.headers, asked.services.keys)
    page: Page = await asked.services.feed.page(after, wanted, limit)
    return page


def _id(places: dict[int, int]) -> bytes:
    """The end of a message: the token to resume from after it."""
    return f"id: {write_token(places)}\n\n".encode()

"""The complaint list: a page of the view, filtered, sorted, with a cursor that is bound to both."""

from urllib.parse import urlencode

import msgspec

from api.http import Answer, Asked
from api.list_query import read_query
from api.spreadsheet import CONTENT_TYPE, csv_of, wants_csv
from domain.complaint.vocabulary import CloseReason, Nature, Origin, Stage, WaitingOn
from domain.kernel import Moment
from domain.rules import Severity
from ledger.ids import write_token


class ComplaintItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A complaint in a list; nothing in it is personal."""

    complaint_id: str
    tracking_number: str | None = None
    version: int | None = None
    stage: Stage | None = None
    waiting_on: WaitingOn | None = None
    cycle: int | None = None
    nature: Nature | None = None
    severity: Severity | None = None
    is_provisional: bool | None = None
    channel: str | None = None
    source_system: str | None = None
    origin: Origin | None = None
    region: str | None = None
    category_path: list[str] | None = None
    problem_key: str | None = None
    customer_id: str | None = None
    owner_unit: str | None = None
    owner_person: str | None = None
    received_at: Moment | None = None
    due_at: Moment | None = None  # of the resolve clock that runs
    recorded_at: Moment | None = None
    resolved_at: Moment | None = None
    closed_at: Moment | None = None
    close_reason: CloseReason | None = None
    is_imported: bool | None = None


class ComplaintList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of complaints; `next` is the cursor of the page after it."""

    complaints: list[ComplaintItem]
    position: str
    next: str | None = None


FIELDS = ComplaintItem.__struct_fields__

_POSITIONS = """
SELECT partition, min(position) FROM views.positions WHERE view = ANY(%(views)s)
GROUP BY partition"""


async def list_complaints(asked: Asked) -> Answer:
    """A page of the list, as JSON or CSV."""
    wanted, is_csv = read_query(asked, FIELDS), wants_csv(asked)
    for view in wanted.views:
        await asked.services.places.wait_for(view, asked.query("at_least"))
    query = asked.services.ledger.query
    position = write_token(dict(await query(_POSITIONS, {"views": wanted.views})))
    rows = await query(wanted.statement, {**wanted.params, "limit": wanted.limit + 1})
    names = ("complaint_id", *wanted.fields)
    page = [row[: len(names)] for row in rows[: wanted.limit]]
    following = None
    if len(rows) > wanted.limit:
        last = rows[wanted.limit - 1]
        following = asked.services.cursors.write(wanted.bound_to, [*last[len(names) :], last[0]])
    headers = {"Ledger-Position": position, "Vary": "Accept"}
    if is_csv:
        if following is not None:
            headers["Link"] = _link(asked, following)
        content = csv_of(names, page)
        return Answer(content=content, headers=headers, media_type=CONTENT_TYPE)
    found = ComplaintList(
        complaints=[ComplaintItem(**dict(zip(names, row, strict=True))) for row in page],
        position=position,
        next=following,
    )
    return Answer(content=found, headers=headers)


def _link(asked: Asked, cursor: str) -> str:
    """The page after this one: a table has no place for a cursor."""
    query = {name: asked.query(name) for name in asked.request.query_params} | {"cursor": cursor}
    return f'<{asked.route.path}?{urlencode(query)}>; rel="next"'

"""Reading complaints: one (always current), its history, and the list (from its view)."""

from typing import Any

from api import problems
from api.as_of import AS_OF, OCCURRED_BY, AsOf, NotReceivedByThen, answer_of, asked_as_of, part_of
from api.document.reading import History, document, history_page, shown
from api.document.shape import ComplaintDocument
from api.http import MAX_QUERY, Answer, Asked, Parameter, Route
from api.list_query import CLOSED_LISTS, FILTERS, MAX_Q, SORTS
from api.listing import FIELDS, ComplaintList, list_complaints
from api.parameters import ACCEPT_LANGUAGE, ADDRESS, AT_LEAST, ErrorsOf, whole_number
from api.places import AmbiguousAddress
from api.problems import ProblemError, language_of, of_rule
from api.roles import READ_COMPLAINTS, READ_HISTORY
from api.spreadsheet import CSV, FORMAT
from domain.complaint import COMPLAINT, UnknownComplaint
from ledger.ids import write_place

_LIMIT = Parameter(
    name="limit",
    place="query",
    description="How many at most.",
    schema={"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
)
_SEARCH = Parameter(
    name="q",
    place="query",
    description="Search: an id, a tracking number or an outside reference as it is, or words of"
    " category, tags, problem key and product, each anywhere in a word; never personal text.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_Q},
)
_READ = (problems.BAD_QUERY, problems.UNKNOWN_QUERY, *ErrorsOf.KEYED)
_NO_COMPLAINT = tuple(
    of_rule(rule) for rule in (UnknownComplaint, AmbiguousAddress, NotReceivedByThen)
)
_PLACE = ("ETag", "Ledger-Position")


def routes() -> list[Route]:
    """The routes that read complaints."""
    return [_list_route(), _complaint_route(), _history_route()]


def _list_route() -> Route:
    return Route(
        method="GET",
        path="/v1/complaints",
        operation="ListComplaints",
        tag="Complaints",
        summary="Complaints, newest first; filtered, sorted, in pages.",
        description="A filter takes several values joined by commas. The cursor belongs to"
        " its filters, its search and its order. As CSV, `Link` leads to the next page.",
        handler=list_complaints,
        answer=ComplaintList,
        roles=READ_COMPLAINTS,
        parameters=(
            _SEARCH,
            *(_filter(name) for name in FILTERS),
            _time("received_from", "Received at this time or later."),
            _time("received_to", "Received before this time."),
            Parameter(
                name="sort",
                place="query",
                description=f"Of {', '.join(SORTS)}; a minus sign sorts downwards. What nothing"
                " is due of comes last either way.",
                schema={
                    "type": "string",
                    "pattern": _listed(f"-?({'|'.join(SORTS)})", len(SORTS)),
                    "default": "-received_at",
                },
            ),
            Parameter(
                name="fields",
                place="query",
                description="Only these fields, joined by commas; complaint_id always comes.",
                schema={
                    "type": "string",
                    "pattern": _listed(f"({'|'.join(FIELDS)})", len(FIELDS)),
                },
            ),
            _LIMIT,
            Parameter(
                name="cursor",
                place="query",
                description="The `next` of the page before.",
                schema={"type": "string", "minLength": 1, "maxLength": MAX_QUERY},
            ),
            FORMAT,
            AT_LEAST,
            ACCEPT_LANGUAGE,
        ),
        also=((200, CSV, None),),
        headers=("Ledger-Position", "Link"),
        problems=(*_READ, problems.VIEW_BEHIND),
    )


def _complaint_route() -> Route:
    return Route(
        method="GET",
        path="/v1/complaints/{address}",
        operation="GetComplaint",
        tag="Complaints",
        summary="A complaint as it stands, with the commands allowed and the rules that forbid"
        " the others; or as it stood, without them.",
        handler=_get,
        answer=ComplaintDocument,
        roles=READ_COMPLAINTS,
        parameters=(ADDRESS, AS_OF, OCCURRED_BY, ACCEPT_LANGUAGE),
        headers=_PLACE,
        problems=(*_READ, *_NO_COMPLAINT),
    )


def _history_route() -> Route:
    return Route(
        method="GET",
        path="/v1/complaints/{address}/history",
        operation="GetHistory",
        tag="Complaints",
        summary="Every event of a complaint, in order, with who, when and where in the ledger.",
        handler=_history,
        answer=History,
        roles=READ_HISTORY,
        parameters=(
            ADDRESS,
            Parameter(
                name="after",
                place="query",
                description="Only events after this version.",
                schema={"type": "integer", "minimum": 0, "maximum": 2147483647},
            ),
            _LIMIT,
            AS_OF,
            OCCURRED_BY,
            ACCEPT_LANGUAGE,
        ),
        headers=_PLACE,
        problems=(*_READ, *_NO_COMPLAINT),
    )


def _filter(name: str) -> Parameter:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_QUERY}
    if name in CLOSED_LISTS:
        values = CLOSED_LISTS[name]
        schema = {"type": "string", "pattern": _listed(f"({'|'.join(values)})", len(values))}
    return Parameter(
        name=name,
        place="query",
        description=f"Only these values of {name}, joined by commas.",
        schema=schema,
    )


def _listed(one: str, most: int) -> str:
    """The pattern of one to `most` values joined by commas."""
    return f"^{one}(,{one}){{0,{most - 1}}}$"


def _time(name: str, description: str) -> Parameter:
    return Parameter(
        name=name,
        place="query",
        description=description,
        schema={"type": "string", "format": "date-time"},
    )


async def _history_of(asked: Asked, as_of: AsOf | None) -> list[Any]:
    """The events of the complaint that count."""
    complaint_id = await asked.services.places.complaint(asked.path("address"))
    history = await asked.services.ledger.history(complaint_id)
    if not history or type(history[0].event) not in COMPLAINT.events:
        raise UnknownComplaint
    try:
        return part_of(history, as_of)
    except ValueError as error:
        raise ProblemError(problems.BAD_QUERY, name="as_of", expected=str(error)) from None


async def _get(asked: Asked) -> Answer:
    as_of = asked_as_of(asked)
    history = await _history_of(asked, as_of)
    language = language_of(asked.request)
    found = document(history, asked.who, answer_of(history, as_of), language)
    headers = {"ETag": f'"{found.version}"', "Ledger-Position": found.position}
    headers |= {"Vary": "Accept-Language"}
    content = shown(found, asked.who, asked.services.desk.rules)
    return Answer(content=content, headers=headers)


async def _history(asked: Asked) -> Answer:
    after = whole_number(asked, "after", 0, 0, 2**31 - 1)
    limit = whole_number(asked, "limit", 50, 1, 200)
    as_of = asked_as_of(asked)
    history = await _history_of(asked, as_of)
    told = answer_of(history, as_of)
    page = history_page(history, asked.who, after=after, limit=limit, as_of=told)
    last = history[-1]
    headers = {
        "ETag": f'"{page.version}"',
        "Ledger-Position": write_place(last.partition, last.position),
    }
    return Answer(content=page, headers=headers)

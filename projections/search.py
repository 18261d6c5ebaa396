"""The view `search`: the words by which a complaint is found in lists; none of them is personal.

Chinese has no spaces between words, so a text is kept with its single characters and its pairs of
neighbours (bigrams): whatever holds a term holds all of the term's pairs, which an index finds,
and a comparison with the text itself then makes sure. No extension of PostgreSQL is needed.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from projections.view import Row, Table, View

MAX_SUBJECT = 4000
"""How many characters of its subject a complaint is found by: one of 6 + 50 long labels has more,
and nobody looks for their ends."""

Subjects = dict[str, list[str]]


class SearchRow(Row, frozen=True):
    """What one complaint is about, as it is looked for."""

    complaint_id: UUID
    subjects: Subjects  # as told: category, tags, problem key, product
    subject: str  # all of them as `plain` writes them, one a line
    grams: list[str]  # the characters and pairs of neighbours in it, sorted


def search_view() -> View:
    """The words by which every complaint is found."""
    return View("search", (SEARCH,), _EVENTS, _fold)


SEARCH = Table("complaint_search", SearchRow, ("partition", "complaint_id"))
_EVENTS = (ComplaintRegistered, DetailAdded, FieldCorrected, ComplaintAssessed)


# --- fold -----------------------------------------------------------------------------------


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    subjects: Subjects = next(
        (dict(row.subjects) for row in rows if isinstance(row, SearchRow)), {}
    )
    for recorded in events:
        subjects |= _subjects(recorded.event)
    first = events[0]
    return [_row(first.partition, first.stream_id, subjects)]


def _subjects(event: Any) -> Subjects:
    """What an event says that the complaint is about."""
    match event:
        case ComplaintAssessed():
            return {
                "category": list(event.category.path),
                "tags": list(event.tags),
                "problem_key": [event.problem_key],
            }
        case DetailAdded(details=facts) | FieldCorrected(new=facts):
            return _of_facts(facts)
    return _of_facts(event)


def _of_facts(facts: Facts) -> Subjects:
    if (product := facts.product) is None:
        return {}
    return {"product": [label for label in (product.model, product.sku) if label is not None]}


def _row(partition: int, complaint_id: UUID, subjects: Subjects) -> SearchRow:
    labels = (_as_label(label) for name in sorted(subjects) for label in subjects[name])
    subject = "\n".join(dict.fromkeys(labels))[:MAX_SUBJECT]
    grams = set[str]().union(*map(_found_by, subject.split()))
    return SearchRow(partition, complaint_id, subjects, subject, sorted(grams))


# Labels are words of a vocabulary: the same ones come again and again. One may be 500 characters
# long, so only so many are kept.


@lru_cache(512)
def _as_label(label: str) -> str:
    return plain(label)


@lru_cache(512)
def _found_by(term: str) -> frozenset[str]:
    return frozenset((*term, *pairs(term)))


# --- texts and terms ------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text as it is compared: full width as half width, no case, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def grams_of(term: str) -> list[str]:
    """What the index is asked for: the pairs of neighbours in a term, or its only character."""
    return pairs(term) or [term]


def pairs(term: str) -> list[str]:
    """Each character of a term with the next."""
    return [term[index : index + 2] for index in range(len(term) - 1)]

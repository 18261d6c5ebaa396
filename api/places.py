"""Places: which complaint an address means, and how far the views have come."""

from collections.abc import Collection
from uuid import UUID

from api import problems
from api.parameters import parse_uuid
from api.problems import ProblemError
from api.waiting import NOWHERE, wait_for_view
from domain.complaint import COMPLAINT, UnknownComplaint
from domain.kernel import Rejected
from ledger.application import Ledger
from ledger.ids import read_token, read_tracking_number
from projections.hashes import external_ref_hash
from projections.reached import Reached

_BY_REFERENCE = """
SELECT complaint_id FROM views.complaints
WHERE external_ref_hash = %(hash)s AND channel = %(channel)s
ORDER BY received_at, complaint_id LIMIT 2"""

_BY_REFERENCES = """
SELECT r.channel, r.hash, c.complaint_id
FROM unnest(%(channels)s::text[], %(hashes)s::bytea[]) AS r (channel, hash),
     LATERAL (SELECT complaint_id FROM views.complaints
              WHERE external_ref_hash = r.hash AND channel = r.channel
              ORDER BY received_at, complaint_id LIMIT 2) AS c"""

_BY_NUMBERS = """
SELECT p.partition, p.position, e.stream_id
FROM unnest(%(partitions)s::smallint[], %(positions)s::bigint[]) AS p (partition, position)
JOIN ledger.events AS e USING (partition, position)
WHERE e.version = 1 AND e.type = ANY(%(types)s)"""


class AmbiguousAddress(Rejected):
    """Several complaints have this outside reference, so that it names none of them."""

    title = "The reference names several complaints"
    title_zh = "该外部编号对应多件投诉"
    detail = (
        "Several complaints of this channel have this reference;"
        " use the id or the tracking number of the one you mean."
    )
    detail_zh = "该渠道下有多件投诉使用此外部编号，请改用投诉 id 或受理编号。"


class Places:
    """Finds complaints by their addresses and waits for views."""

    def __init__(self, ledger: Ledger, secret: bytes, reached: Reached = NOWHERE) -> None:
        """Look into this ledger; outside references are hashed with the secret.

        `reached` tells how far this process has brought the views, where it keeps any.
        """
        self._ledger = ledger
        self._reached = reached
        self.secret = secret

    async def complaint(self, address: str) -> UUID:
        """The complaint at an address: id, tracking number, `<channel>:<external_ref>`."""
        if (named := (await self.by_name([address])).get(address)) is not None:
            return named
        channel, colon, reference = address.partition(":")
        if not colon or not reference:
            raise UnknownComplaint
        await self.wait("complaints", await self._ledger.heads())
        rows = await self._ledger.query(
            _BY_REFERENCE,
            {"hash": external_ref_hash(self.secret, reference), "channel": channel},
        )
        if not rows:
            raise UnknownComplaint
        if len(rows) > 1:
            raise AmbiguousAddress
        found: UUID = rows[0][0]
        return found

    async def by_name(self, names: Collection[str]) -> dict[str, UUID]:
        """The complaints of these ids, each taken as it is, and of these tracking numbers."""
        found = {name: named for name in names if (named := parse_uuid(name)) is not None}
        numbers = {name: place for name in names if (place := read_tracking_number(name))}
        if not numbers:
            return found
        params = {
            "partitions": [partition for partition, _ in numbers.values()],
            "positions": [position for _, position in numbers.values()],
            "types": [event.__name__ for event in COMPLAINT.events],
        }
        rows = await self._ledger.query(_BY_NUMBERS, params)
        there = {(partition, position): begun for partition, position, begun in rows}
        return found | {name: there[place] for name, place in numbers.items() if place in there}

    async def by_reference(
        self, references: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], list[UUID]]:
        """The complaints that have these outside references, at most two of each."""
        if not references:
            return {}
        await self.wait("complaints", await self._ledger.heads())
        asked = {
            (channel, external_ref_hash(self.secret, reference)): (channel, reference)
            for channel, reference in references
        }
        params = {
            "channels": [channel for channel, _ in asked],
            "hashes": [hashed for _, hashed in asked],
        }
        found: dict[tuple[str, str], list[UUID]] = {}
        for channel, hashed, complaint_id in await self._ledger.query(_BY_REFERENCES, params):
            found.setdefault(asked[channel, bytes(hashed)], []).append(complaint_id)
        return found

    async def wait_for(self, view: str, token: str | None) -> None:
        """Wait until a view has reached the places a client names."""
        if token is None:
            return
        try:
            wanted = read_token(token)
        except ValueError:
            raise ProblemError(
                problems.BAD_QUERY, name="at_least", expected="<partition>:<position>"
            ) from None
        heads = await self._ledger.heads()
        if any(position > heads.get(partition, 0) for partition, position in wanted.items()):
            raise ProblemError(
                problems.BAD_QUERY, name="at_least", expected="a place that exists in the ledger"
            )
        await self.wait(view, wanted)

    async def wait(self, view: str, wanted: dict[int, int]) -> None:
        """Wait until a view has reached these places; too long is a problem, and retryable."""
        await wait_for_view(self._ledger, view, wanted, self._reached)

"""Which complaints the lines of a bulk request are for.

What was there before is looked up once, before the first line is carried out. What earlier lines
of the same request register is known at once, without waiting for a view.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from uuid import UUID

from api import problems
from api.bulk.lines import Line, Reference
from api.client import Client
from api.places import AmbiguousAddress, Places
from api.problems import ProblemError
from domain.complaint import UnknownComplaint
from ledger.application import Ledger
from ledger.ids import command_id


class Addresses:
    """Finds the complaint of each line, and says which lines are for the same one."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Note which registrations of the request itself the lines after them are for."""
        self._here: dict[int, list[str]] = {}  # the keys of those registrations, by line
        self._there: dict[str | Reference, list[UUID]] = {}  # what was there before
        self._by_key: dict[str, UUID] = {}  # what these keys registered, then or now
        self._done: set[str] = set()  # the keys of registrations carried out in this request
        asked = {line.reference for line in lines if line.reference}
        told: dict[Reference, list[str]] = defaultdict(list)
        keys: set[str] = set()
        for line in lines:
            if line.order is None:
                continue
            if line.is_registration:
                keys.add(line.order.key)
                # Nobody reads what no line asks for.
                reference = line.told if asked else None
                if reference is not None and line.order.key not in told[reference]:
                    told[reference].append(line.order.key)
            elif line.registration_key in keys:
                self._here[line.number] = [line.registration_key]
            elif line.reference is not None and (here := told.get(line.reference)):
                self._here[line.number] = list(here)

    async def look_up(
        self, lines: Sequence[Line], places: Places, ledger: Ledger, client: Client
    ) -> None:
        """Look up what was there before; waits for a view, and raises where that is behind."""
        elsewhere = [line for line in lines if line.order and line.number not in self._here]
        keys = {line.registration_key for line in elsewhere if line.registration_key}
        # A registration that nobody asks for by its key here does nothing where it was sent before.
        keys |= {key for here in self._here.values() for key in here}
        ids = {command_id(client.principal, key): key for key in keys}
        found = await ledger.registered(ids)
        self._by_key = {ids[known_as]: stream_id for known_as, stream_id in found.items()}
        references = {line.reference for line in elsewhere if line.reference}
        self._there = dict((await places.by_reference(references)).items())
        names = [
            line.order.address
            for line in elsewhere
            if line.order and line.order.address and not (line.reference or line.registration_key)
        ]
        self._there |= {name: [one] for name, one in (await places.by_name(names)).items()}

    def same(self, line: Line) -> set[Hashable]:
        """What lines have in common that have to take effect in their order."""
        assert line.order is not None
        keys = {line.order.key, *self._here.get(line.number, ())}
        if line.registration_key is not None:
            keys.add(line.registration_key)
        known = {self._by_key[key] for key in keys if key in self._by_key}
        there = self._there.get(line.reference or line.order.address or "", [])
        return {*keys, *known, *there, *line.others}

    def registered(self, line: Line, complaint_id: UUID) -> None:
        """Remember what a registration of this request has made."""
        assert line.order is not None
        self._by_key[line.order.key] = complaint_id
        self._done.add(line.order.key)

    def find(self, line: Line) -> UUID:
        """The complaint a line is for, when it is its turn."""
        assert line.order is not None
        if (here := self._here.get(line.number)) is not None:
            found = {self._by_key[key] for key in here if key in self._done}
            if not found:
                raise ProblemError(problems.SKIPPED)
        elif line.registration_key is not None:
            key = line.registration_key
            found = {self._by_key[key]} if key in self._by_key else set()
        else:
            found = set(self._there.get(line.reference or line.order.address or "", ()))
        if not found:
            raise UnknownComplaint
        if len(found) > 1:
            raise AmbiguousAddress
        return found.pop()

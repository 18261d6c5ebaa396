"""Who acts in the demonstration: units with their people, and the programs they act through."""

from typing import Literal

import msgspec

from api.client import Client

Sector = Literal["retail", "appliances", "cars", "services"]


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of the organisation, its people by their staff ids."""

    id: str
    agents: tuple[str, ...]
    supervisors: tuple[str, ...]

    @property
    def client(self) -> Client:
        """The desktop program of the unit; who sits before it is named with each order."""
        return Client(
            principal=f"demo:{self.id}",
            client_id="demo:desktop",
            kind="system",
            role="simulation",
            unit_id=self.id,
        )


def _unit(id_: str, number: int) -> Unit:
    return Unit(
        id=id_,
        agents=tuple(f"agent-{number + i}" for i in range(1, 6)),
        supervisors=(f"supervisor-{number + 1}", f"supervisor-{number + 2}"),
    )


CONTACT_CENTRE = _unit("contact-centre", 100)  # receives, assesses, accepts
QUALITY = _unit("quality-office", 600)  # second persons and calls after the resolution
OWNERS: dict[Sector, Unit] = {
    "retail": _unit("retail-aftersales", 200),
    "appliances": _unit("appliance-service", 300),
    "cars": _unit("car-aftersales", 400),
    "services": _unit("service-desk", 500),
}

BOT = Client(principal="demo:bot", client_id="demo:bot", role="simulation", kind="bot")
SYSTEM = Client(
    principal="demo:notices", client_id="demo:notices", role="simulation", kind="system"
)
CUSTOMER = Client(
    principal="demo:customer-page",
    client_id="demo:customer-page",
    role="simulation",
    kind="customer",
)

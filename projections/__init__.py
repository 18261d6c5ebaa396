"""Read models: each view in a file of its own, folded from events and kept by the engine."""

from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.view import View

VIEWS = (
    "complaints",
    "timeline",
    "sla",
    "repeats",
    "satisfaction",
    "cycles",
    "work",
    "customers",
    "refusals",
    "preventions",
    "search",
    "lookups",
)
"""The permanent names of all views; they key the positions."""

MAY_PARK = tuple(view for view in VIEWS if view != "lookups")
"""Policies find streams by `lookups`: it takes everything in, or halts."""


def all_views(secret: bytes, rules: Rules = DEFAULT_RULES) -> tuple[View, ...]:
    """Every view there is; what is personal is kept at most as a hash keyed by the secret."""
    # Here and not above: their names are asked for by whoever builds none of them.
    from projections.complaints import complaints_view
    from projections.customers import customers_view
    from projections.cycles import cycles_view
    from projections.lookups import lookups_view
    from projections.preventions import preventions_view
    from projections.refusals import refusals_view
    from projections.repeats import repeats_view
    from projections.satisfaction import satisfaction_view
    from projections.search import search_view
    from projections.sla import sla_view
    from projections.timeline import timeline_view
    from projections.work import work_view

    return (
        complaints_view(secret, rules.published_source_facts),
        timeline_view(),
        sla_view(),
        repeats_view(rules),
        satisfaction_view(rules),
        cycles_view(),
        work_view(),
        customers_view(secret),
        refusals_view(),
        preventions_view(),
        search_view(),
        lookups_view(secret),
    )

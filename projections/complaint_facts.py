"""What told facts say in the columns of `complaints`; of what is personal, a hash at most."""

from typing import Any

from domain.complaint.vocabulary import Facts
from projections.hashes import external_ref_hash, handle_hash

Changes = dict[str, Any]  # column to value


def columns_of(facts: Facts, secret: bytes) -> Changes:
    """The columns that told facts fill; the outside reference fills one as a hash."""
    told: Changes = {
        name: value for name in _PLAIN_FACTS if (value := getattr(facts, name)) is not None
    }
    if facts.external_ref is not None:
        told["external_ref_hash"] = external_ref_hash(secret, facts.external_ref)
    if facts.complainant is not None:
        told["complainant_role"] = facts.complainant.role
        handle = facts.complainant.handle
        told["handle_hash"] = None if handle is None else handle_hash(secret, handle)
    if facts.customer_tier is not None:
        told["customer_tier"] = facts.customer_tier.value
    if facts.customer_segment is not None:
        told["customer_segment"] = facts.customer_segment.value
    if (product := facts.product) is not None:
        told["product_sku"], told["product_model"] = product.sku, product.model
        told["product_batch"], told["product_supplier"] = product.batch, product.supplier
    if facts.requested_remedy is not None:
        told["requested_remedy_kind"] = facts.requested_remedy.kind
    if facts.disputed_amount is not None:
        told["disputed_amount_minor"] = facts.disputed_amount.minor
        told["disputed_currency"] = facts.disputed_amount.currency
    if facts.exposure is not None:
        told["is_public"] = facts.exposure.is_public
    if facts.safety_signal is not None:
        told["has_safety_signal"] = facts.safety_signal
    return told


_PLAIN_FACTS = (
    "channel",
    "source_tier",
    "source_system",
    "received_unit",
    "origin",
    "language",
    "nature",
    "unit_complained_about",
    "region",
    "reply_due_at",
)

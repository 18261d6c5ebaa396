"""What a developer writes with the generated client; run by `run.py` against a served API.

Its own virtual environment has the generated package `client` and nothing of this project.
"""

import pkgutil
import sys
from importlib import import_module

import client
from client import AuthenticatedClient
from client.api.commands import register_complaint
from client.api.complaints import get_complaint, get_history, list_complaints
from client.models import ComplaintDocument, ComplaintList, History, Problem, RegisterComplaint


def main(url: str, key: str) -> None:
    """Import every module, then register, read, search and fail."""
    modules = [found.name for found in pkgutil.walk_packages(client.__path__, "client.")]
    for name in modules:
        import_module(name)
    api = AuthenticatedClient(base_url=url, token=key)
    body = RegisterComplaint.from_dict(
        {
            "channel": "phone",
            "source_system": "story",
            "nature": "complaint",
            "origin": "person",
            "narrative": "空调漏水",
            "product": {"model": "KFR-35GW"},
        }
    )
    told = register_complaint.sync_detailed(client=api, body=body, idempotency_key="story-1")
    assert told.status_code == 201, told
    complaint_id = str(told.parsed.complaint_id)
    found = get_complaint.sync(complaint_id, client=api)
    assert isinstance(found, ComplaintDocument), found
    assert found.stage == "registered"
    assert found.facts.product.model == "KFR-35GW"
    history = get_history.sync(complaint_id, client=api, as_of="v1")
    assert isinstance(history, History), history
    assert [event.type_ for event in history.events] == ["ComplaintRegistered"]
    page = list_complaints.sync(client=api, q="kfr", at_least=found.position)
    assert isinstance(page, ComplaintList), page
    assert [str(item.complaint_id) for item in page.complaints] == [complaint_id]
    refused = get_complaint.sync("CL0-999999-9", client=api)
    assert isinstance(refused, Problem), refused
    assert refused.code == "unknown-complaint"
    print(f"{len(modules)} modules")


if __name__ == "__main__":
    main(*sys.argv[1:])

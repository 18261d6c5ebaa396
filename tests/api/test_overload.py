"""More than the server can hold: it says so at once, and works on when there is room again."""

import socket
from contextlib import ExitStack, suppress

import httpx

from api.room import MOST_BYTES
from api.strict import MAX_BYTES
from tests.api.serving import Api
from tests.waiting import wait_until


def test_bodies_that_never_end_do_not_fill_the_memory(api: Api) -> None:
    url = httpx.URL(api.http.base_url)
    head = "\r\n".join(
        (
            "POST /v1/complaints HTTP/1.1",
            f"Host: {url.host}",
            f"Authorization: Bearer {api.keys['agent']}",
            "Idempotency-Key: never-ending",
            "Content-Type: application/json",
            f"Content-Length: {MAX_BYTES}",
            "",
            "",
        )
    ).encode()
    almost = head + b" " * (MAX_BYTES - 1)
    with ExitStack() as connections:

        def hold_more() -> None:
            slow = connections.enter_context(socket.create_connection((url.host, url.port)))
            with suppress(ConnectionError):  # refused already: there is no room
                slow.sendall(almost)

        def refusal_after_one_more() -> httpx.Response | None:
            hold_more()
            answer = _answered(api)
            return answer if answer.status_code == 503 else None

        for _ in range(MOST_BYTES // MAX_BYTES):
            hold_more()
        # An order under way may take the room of a slow one, which then is refused for good.
        refused = wait_until(refusal_after_one_more)
        assert refused.json()["code"] == "unavailable"
        assert int(refused.headers["Retry-After"]) > 0
        assert api.get("/v1/complaints").status_code == 200, "what has no body is served"
    wait_until(lambda: _answered(api).status_code == 422)
    api.register()


def _answered(api: Api) -> httpx.Response:
    """The answer to an order of some size that is wrong, and so changes nothing."""
    return api.post("/v1/complaints", {"nothing": "x" * (MAX_BYTES // 2)})

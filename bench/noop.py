"""The baseline of HTTP: the same server, and a route that does nothing.

    python -m bench.noop PORT [--bare]

It reads the body and answers with the same status; no key, no rates, no command. What surrounds
every request of our server surrounds these as well: its bounds, an id, a line of the log, the
metrics. Not so when it is bare, which leaves uvicorn and Litestar.
"""

import socket
import sys
from typing import Any

import uvicorn
from litestar import Litestar, Request, post

from api.door import guarded
from api.logs import configure_logs
from api.reply import Reply
from api.room import Room
from api.server import Server
from api.traced import traced

PATH = "/v1/noop"


@post(PATH)
async def nothing(request: Request[Any, Any, Any]) -> Reply:
    """Take the body and answer."""
    await request.body()
    return Reply(b"{}", 201, {}, "application/json")


if __name__ == "__main__":
    configure_logs("json")
    app = Litestar([nothing], openapi_config=None, logging_config=None)
    port = int(sys.argv[1])
    if "--bare" in sys.argv:
        uvicorn.run(app, port=port, log_config=None, access_log=False, ws="none")
    else:
        with socket.create_server(("127.0.0.1", port)) as bound:
            Server(traced(guarded(app), Room()), lambda: None).run_on(bound)

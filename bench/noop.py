"""The baseline of HTTP: the same server and framework, and a route that does nothing.

    python -m bench.noop PORT

It reads the body and answers with the same status; no key, no request id, no log, no metrics.
"""

import sys
from typing import Any

import uvicorn
from litestar import Litestar, Request, post

from api.reply import Reply

PATH = "/noop"


@post(PATH)
async def nothing(request: Request[Any, Any, Any]) -> Reply:
    """Take the body and answer."""
    await request.body()
    return Reply(b"{}", 201, {}, "application/json")


if __name__ == "__main__":
    uvicorn.run(
        Litestar([nothing], openapi_config=None, logging_config=None),
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
    )

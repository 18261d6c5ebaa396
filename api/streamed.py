"""Answers that are sent as they come about."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send


class Streamed(Stream):
    """An answer in chunks, whose making ends when they are sent or when the client has gone."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        status: int,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        """Send what the generator yields."""
        super().__init__(chunks, status_code=status, headers=headers, media_type=media_type)
        self._chunks = chunks

    def to_asgi_response(self, *args: Any, **options: Any) -> ASGIResponse:
        """The library's answer, closing the generator at once rather than when it is collected."""
        answer = super().to_asgi_response(*args, **options)

        async def send_and_close(scope: Scope, receive: Receive, send: Send) -> None:
            async with aclosing(self._chunks):
                await answer(scope, receive, send)

        return cast(ASGIResponse, send_and_close)

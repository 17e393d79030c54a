"""Which pages may open a socket.

A browser says in every handshake whose page asks, and sends the session's cookie along whoever it
is. Own pages come in by the cookie; a page of an allowed other origin by a ticket; a program that
names no page by a ticket too. With a ticket in the address the cookie says nothing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from channels.security.websocket import OriginValidator
from django.conf import settings

LONGEST_WORD = 100


def ticket_in(scope: Any) -> str | None:
    """Return the ticket in a socket's address."""
    query = parse_qs(scope.get("query_string", b"").decode("latin1"), keep_blank_values=True)
    words = query.get("ticket")
    return None if words is None else words[0][:LONGEST_WORD]


class OriginGate(OriginValidator):
    """Lets own pages in, and by a ticket those of allowed origins and programs without a page."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass the handshake on, or refuse it."""
        if ticket_in(scope) is not None:
            named = [value for name, value in scope["headers"] if name == b"origin"]
            if not named:
                application: Any = self.application
                return await application(scope, receive, send)
            more = OriginValidator(
                self.application, [*self.allowed_origins, *settings.CORS_ALLOWED_ORIGINS]
            )
            return await more(scope, receive, send)
        return await super().__call__(scope, receive, send)

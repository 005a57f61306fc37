"""``/datasphere/open``: a page that opens a project in the browser.

The session token never passes a kernel.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import url_concat

from ...errors import CredentialsError
from ...protocol import OpenRequest, ProjectInfo
from .. import pages
from ..loopback import LoopbackServer
from .base import DataSphereHandler, allow_unauthenticated


class OpenHandler(DataSphereHandler):
    """For a browser that is logged in to Jupyter, or that has a ticket: the capability opens nothing here.

    Whoever has the capability, as each kernel has, would read the session token from the answer.
    """

    async def prepare(self) -> None:  # type: ignore[override] # as the base does
        if self.request.method == "POST" and self._ticket() and not self._has_capability():
            raise CredentialsError(
                "This page has been used, or is older than a minute.",
                code="ticket-used",
                http_status=403,
                hint="Open the project anew: %ds_open.",
            )
        await super().prepare()

    @allow_unauthenticated
    async def get(self) -> None:
        """Asks. Query: `project`, a name or an ID, or the one in force; nothing is opened yet."""
        named = self.get_query_argument("project", None) or self.backend.project_in_force
        found = await self.backend.projects.find(named)
        project = ProjectInfo(id=found.id, name=found.name)
        xsrf = self.xsrf_token  # sets the cookie, too
        self._show(pages.ask(project, self.request.path, xsrf.decode() if isinstance(xsrf, bytes) else xsrf))

    @allow_unauthenticated
    async def post(self) -> None:
        """Opens, and answers with a page that sends the session token on. Form: `project`, or a `ticket`."""
        ticket = self._extension.desktop.take(self._ticket())
        project = ticket or (await self.backend.projects.find(self.get_body_argument("project", None))).id
        self._show(pages.send(await self.backend.open_project(project)))

    def _has_capability(self) -> bool:
        # In its stead: whoever has a ticket has read a file that only this user can read.
        return self.request.method == "POST" and self._extension.desktop.knows(self._ticket())

    def _ticket(self) -> str:
        return self.get_body_argument("ticket", "")

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:
        # A page that is a file has the origin "null".
        return self._has_capability() or super().check_origin(origin_to_satisfy_tornado)

    def _show(self, page: pages.Page) -> None:
        for name, value in page.headers.items():
            self.set_header(name, value)
        self.finish(page.text, set_content_type=pages.HTML)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if "text/html" not in self.request.headers.get("Accept", ""):
            super().write_error(status_code, **kwargs)
        elif self.request.method == "GET" and self._may_log_in():
            login = url_concat(JupyterHandler.get_login_url(self), {"next": str(self.request.uri)})
            self.set_status(302)
            self.set_header("Location", login)
            self.finish()
        else:
            problem = self.problem(status_code, kwargs)
            self.set_status(problem.status)
            self._show(pages.trouble(problem))

    def _may_log_in(self) -> bool:
        """Whether somebody was refused who is not logged in, and can do that here."""
        return (
            self.get_status() == 403
            and self.current_user is None
            and self.check_host()
            and not isinstance(self.serverapp, LoopbackServer)
        )


class OpenInBrowserHandler(DataSphereHandler):
    """Has the browser of this server's desktop open a project, for whoever has no page of Jupyter."""

    @allow_unauthenticated
    async def post(self) -> None:
        request = self.read_body(OpenRequest)
        found = await self.backend.projects.find(request.project or self.backend.project_in_force)
        await self._extension.desktop.open(found.id)
        self.answer(ProjectInfo(id=found.id, name=found.name, community_id=found.community_id), 202)

"""The extension's own HTTP API, one entry per method: from here `openapi` writes the description.

Paths are below the server's base URL, in OpenAPI's form. What is passed on to the service itself is not
listed here: it is `datasphere.methods`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .. import protocol

Verb = Literal["GET", "POST", "PUT", "DELETE"]
EVENT_STREAM = "text/event-stream"
BYTES = "application/octet-stream"
PAGE = "text/html"


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the query, or a header. `type` is one of Python's, or a list of one (repeatable)."""

    name: str
    about: str
    type: Any = str
    required: bool = False
    place: Literal["query", "header"] = "query"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `answers`: the good ones, each a message, a media type, or None for nothing."""

    name: str
    verb: Verb
    path: str
    about: str
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    answers: dict[int, Any]


_PROJECT = Parameter("project", "Name or ID of the project; without it the one in force.")

ROUTES: tuple[Route, ...] = (
    Route(
        name="status.get",
        verb="GET",
        path="/datasphere/status",
        about="Endpoint, credentials, connection and project; no secret.",
        parameters=(
            _PROJECT,
            Parameter("check", "`false` asks nothing of the service.", Literal["true", "false"]),
        ),
        answers={200: protocol.ServerStatus},
    ),
    Route(
        name="quickstart.get",
        verb="GET",
        path="/datasphere/quickstart",
        about="The quickstart notebook (nbformat 4) without outputs.",
        answers={200: dict[str, Any]},
    ),
    Route(
        name="project.inForce",
        verb="GET",
        path="/datasphere/project",
        about="The project of those who name none, and whether it was chosen here; asks nobody.",
        answers={200: protocol.ProjectInForce},
    ),
    Route(
        name="project.choose",
        verb="PUT",
        path="/datasphere/project",
        about="Choose the project of those who name none, for this server and those to come.",
        body=protocol.ProjectRequest,
        answers={200: protocol.ProjectInForce},
    ),
    Route(
        name="projects.list",
        verb="GET",
        path="/datasphere/projects",
        about="The projects that can be found by name.",
        answers={200: protocol.Projects},
    ),
    Route(
        name="projects.find",
        verb="GET",
        path="/datasphere/projects/find",
        about="One project by its name or ID, without balance and channels.",
        parameters=(_PROJECT, Parameter("community", "ID of a community that narrows the search.")),
        answers={200: protocol.ProjectInfo},
    ),
    Route(
        name="communities.find",
        verb="GET",
        path="/datasphere/communities/find",
        about="One community by its name or ID.",
        parameters=(Parameter("community", "Its name or ID."),),
        answers={200: protocol.CommunityInfo},
    ),
    Route(
        name="operations.wait",
        verb="GET",
        path="/datasphere/operations/{operation_id}",
        about="Wait for an operation of the service, for some seconds at most.",
        parameters=(Parameter("wait", "Seconds to wait for its end at most: 0 to 30, at first 0.", float),),
        answers={200: protocol.OperationState},
    ),
    Route(
        name="executions.list",
        verb="GET",
        path="/datasphere/executions",
        about="Executions of this user's servers, newest first.",
        parameters=(
            Parameter("state", "Only those in one of these states.", list[protocol.State]),
            Parameter("project_id", "Only those of this project."),
            Parameter("before", "Only those created before, in seconds since the epoch.", float),
            Parameter("limit", "How many at most, 1 to 1000; 100 where it is not given.", float),
        ),
        answers={200: protocol.Executions},
    ),
    Route(
        name="executions.start",
        verb="POST",
        path="/datasphere/executions",
        about="Start one. With `Accept: text/event-stream` the answer is the stream of its events.",
        parameters=(
            Parameter(
                "X-Execution-Id",
                "ID for the new execution, 16 hexadecimal digits; 409 where there is one of that ID.",
                place="header",
            ),
        ),
        body=protocol.ExecutionRequest,
        answers={201: protocol.Execution, 200: EVENT_STREAM},
    ),
    Route(
        name="executions.get",
        verb="GET",
        path="/datasphere/executions/{execution_id}",
        about="One execution; one that is being checked is answered once it was.",
        answers={200: protocol.Execution},
    ),
    Route(
        name="executions.events",
        verb="GET",
        path="/datasphere/executions/{execution_id}/events",
        about="Its events as they come, as server-sent events: `id` is the number, `data` one Event as JSON.",
        parameters=(
            Parameter("Last-Event-ID", "Only the events after that number.", place="header"),
            Parameter("after", "The same, where a header cannot be sent."),
        ),
        answers={200: EVENT_STREAM},
    ),
    Route(
        name="executions.cancel",
        verb="POST",
        path="/datasphere/executions/{execution_id}/cancel",
        about="Ask for its end; its events tell how it ended.",
        answers={202: protocol.Execution},
    ),
    Route(
        name="events.stream",
        verb="GET",
        path="/datasphere/events",
        about="Events of several executions on one stream; `data` is "
        '{"execution": ID, "number": N, "event": Event}, and of type `problem` where one cannot be read.',
        parameters=(
            Parameter(
                "executions", "ID or ID:N (only the events after N), separated by commas.", required=True
            ),
        ),
        answers={200: EVENT_STREAM},
    ),
    Route(
        name="variables.list",
        verb="GET",
        path="/datasphere/variables",
        about="Variables of a session, or of a stored notebook.",
        parameters=(
            _PROJECT,
            Parameter("session", "Name of the session; `main` where neither is given."),
            Parameter("notebook", "Path of a stored notebook."),
            Parameter("name", "A variable whose value is wanted.", list[str]),
            Parameter("channel", "By which channel they are asked for."),
        ),
        answers={200: protocol.Variables},
    ),
    Route(
        name="open.ask",
        verb="GET",
        path="/datasphere/open",
        about="A page for the user's browser that asks whether to open a project; not for the capability.",
        parameters=(_PROJECT,),
        answers={200: PAGE},
    ),
    Route(
        name="open.open",
        verb="POST",
        path="/datasphere/open",
        about="Open it; the page sends the session token on to the project. Not for the capability.",
        body=protocol.OpenForm,
        answers={200: PAGE},
    ),
    Route(
        name="open.browser",
        verb="POST",
        path="/datasphere/open/browser",
        about="Have the browser of the server's desktop open a project.",
        body=protocol.OpenRequest,
        answers={202: protocol.ProjectInfo},
    ),
    Route(
        name="files.read",
        verb="GET",
        path="/datasphere/files",
        about="The content of a file of the project; `Range: bytes=N-` goes on after a cut.",
        parameters=(
            _PROJECT,
            Parameter("path", "Path in the project.", required=True),
            Parameter("Range", "Only `bytes=N-`.", place="header"),
            Parameter("X-Prefix-Digest", "BLAKE2b of the first N bytes, in hexadecimal.", place="header"),
            Parameter("X-Whole-Size", "Bytes of the whole file, where known.", place="header"),
        ),
        answers={200: BYTES, 206: BYTES},
    ),
    Route(
        name="files.write",
        verb="PUT",
        path="/datasphere/files",
        about="Write a file of the project; half of it is never there.",
        parameters=(
            _PROJECT,
            Parameter("path", "Path in the project.", required=True),
            Parameter("X-Overwrite", "`true` replaces a file that is there.", place="header"),
        ),
        body=BYTES,
        answers={200: protocol.StoredFile},
    ),
    Route(
        name="files.size",
        verb="GET",
        path="/datasphere/files/size",
        about="Whether a file is there, and how large it is.",
        parameters=(_PROJECT, Parameter("path", "Path in the project.", required=True)),
        answers={200: protocol.StoredFile},
    ),
    Route(
        name="profile.get",
        verb="GET",
        path="/datasphere/profile",
        about="The named credentials of the server, and which are in force; no secret.",
        answers={200: protocol.Profiles},
    ),
    Route(
        name="profile.choose",
        verb="PUT",
        path="/datasphere/profile",
        about="Choose credentials for all of the server, once they have given a token.",
        body=protocol.ProfileRequest,
        answers={200: protocol.Profiles},
    ),
    Route(
        name="links.keep",
        verb="PUT",
        path="/datasphere/links",
        about="Know the link to a project's own Jupyter server, once it was seen to work.",
        body=protocol.LinkRequest,
        answers={200: protocol.LinkedProject},
    ),
    Route(
        name="links.forget",
        verb="DELETE",
        path="/datasphere/links",
        about="Forget a project's link.",
        parameters=(Parameter("project", "Name or ID of the project.", required=True),),
        answers={200: protocol.LinkedProject},
    ),
)

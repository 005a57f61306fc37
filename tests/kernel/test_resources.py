"""Communities, projects, roles and units at a notebook, as accounts with different roles see them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from accounts import House, house

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Cell, Facts, User

CONNECT = "from jupyter_datasphere import connect\nc = connect()"
HOSTILE = "a<img/src=x/onerror=alert(1)>\u202etxt.exe\x1b[31m"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("resources")) as place:
        yield place


@asynccontextmanager
async def at_notebook(place: House, account: str) -> AsyncIterator[User]:
    server = place.server(account)
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run(f"%load_ext jupyter_datasphere\n{CONNECT}")
        yield user


@pytest_asyncio.fixture
async def admin(place: House) -> AsyncIterator[User]:
    async with at_notebook(place, "admin") as user:
        yield user


@pytest_asyncio.fixture
async def own(admin: User, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The name of a project of this test, which is that of the kernel."""
    name = f"p{abs(hash(request.node.name)) % 10**9}"
    made = await admin.run(f"c.create_project('{name}', community='demo-community')\n%ds_project {name}")
    assert not made.error, made.error
    yield name
    await admin.run(f"c.project('{name}').delete()")


def table(cell: Cell, which: int = 0) -> list[list[str]]:
    """The rows of a table that a cell showed, its head first."""
    assert not cell.error, cell.error
    lines = cell.displays[which]["text/plain"].split("\n")
    starts = [0] + [i for i in range(2, len(lines[0])) if lines[0][i - 2 : i] == "  " and lines[0][i] != " "]
    ends = [*starts[1:], None]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines]


async def test_communities_and_projects(admin: User, own: str, place: House) -> None:
    head, *rows = table(await admin.run("%ds_communities"))
    assert head[:3] == ["Community", "ID", "Created"]
    assert rows[0][:2] == ["demo-community", place.facts["community_id"]]
    head, *rows = table(await admin.run("%ds_projects"))
    listed = {row[0]: row for row in rows}
    assert listed["demo-project"][1:3] == [place.facts["project_id"], "demo-community"]
    assert [name for name, row in listed.items() if row[-1] == "in force"] == [own]
    head, *rows = table(await admin.run(f"%ds_projects {own[2:]} --community demo-community"))
    assert [row[0] for row in rows] == [own]
    none = await admin.run("%ds_projects no-such")
    assert none.text() == "There are no projects whose names match 'no-such' that this account may see.\n"
    unknown = (await admin.run("%ds_projects --community demo-comunity")).error
    assert (unknown["ename"], "Did you mean 'demo-community'?" in unknown["evalue"]) == (
        "NotFoundError",
        True,
    )


async def test_a_role_is_given_and_taken_once_that_is_agreed_to(admin: User, own: str, place: House) -> None:
    viewer = place.id("viewer")
    project_id = await admin.value(f"c.project('{own}').id")
    where = f"project {own} ({project_id})"
    question = f"Give {viewer} the role viewer in {where}? [y/N] "
    for answer in ("n", "", "yess"):
        cell, asked = await admin.answering(f"%ds_grant viewer {viewer}", answer)
        assert asked == [question]
        assert table(cell) == [
            [f"In {where}", "Type", "Before", "After"],
            [viewer, "userAccount", "none", "viewer"],
        ]
        assert cell.text() == "Nothing was changed.\n"
    cell, _ = await admin.answering(f"%ds_grant viewer {viewer}", "y")
    assert cell.text() == "Given.\n"
    again, asked = await admin.answering(f"%ds_grant viewer {viewer}")
    assert (asked, again.displays) == ([], [])
    assert again.text() == f"{viewer} has the role viewer in {where}, already. Nothing was changed.\n"
    cell = await admin.run(f"%ds_grant editor {viewer} --yes")
    assert table(cell)[1] == [viewer, "userAccount", "viewer", "viewer, editor"]
    cell, asked = await admin.answering(f"%ds_revoke viewer {viewer}", "YES")
    assert asked == [f"Take the role viewer in {where} from {viewer}? [y/N] "]
    assert table(cell)[1] == [viewer, "userAccount", "viewer, editor", "editor"]
    assert cell.text() == "Taken.\n"
    again = await admin.run(f"%ds_revoke viewer {viewer}")
    assert again.text() == (
        f"{viewer} does not have the role viewer in {where} itself, but by the community demo-community"
        f" ({place.facts['community_id']}). Nothing was changed.\n"
    )
    rows = {(row[0], row[1]): row[2:] for row in table(await admin.run("%ds_members"))[1:]}
    assert rows["editor", viewer] == ["userAccount", where]
    assert rows["viewer", viewer] == [
        "userAccount",
        f"community demo-community ({place.facts['community_id']})",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "%ds_grant viewer {viewer}",
        "%ds_revoke admin {admin}",
        "%ds_members --replace none.json",
        "%ds_balance 0",
    ],
)
async def test_where_nobody_can_be_asked_nothing_is_changed(
    admin: User, own: str, place: House, line: str
) -> None:
    (Path(place.server("admin")["folder"]) / "none.json").write_text("[]")
    before = await admin.value(f"(p := c.project('{own}')).members(), p.balance()")
    error = (await admin.run(line.format(viewer=place.id("viewer"), admin=place.id("admin")))).error
    assert error["ename"] == "UsageError"
    assert "nobody can be asked here: nothing was changed" in error["evalue"] and "--yes" in error["evalue"]
    assert await admin.value(f"(p := c.project('{own}')).members(), p.balance()") == before


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ("%ds_grant viewr x", "UsageError", "Did you mean viewer?"),
        (
            "%ds_grant datasphere.communities.viewer x",
            "UsageError",
            "is a role of communities, and this is a project",
        ),
        ("%ds_grant viewer user:x", "UsageError", "Did you mean userAccount:x?"),
        ("%ds_grant viewer {robot} --yes", "NotFoundError", "A service account is written serviceAccount:ID"),
        ("%ds_grant viewer", "UsageError", "%ds_grant takes a role and a subject"),
        ("%ds_grant viewer x -p a --community b", "UsageError", "either a --project or a --community"),
        ("%ds_members --file x", "UsageError", "--file is where --json writes"),
        ("%ds_members --yes", "UsageError", "--yes answers the question of --replace"),
        ("%ds_members --replace missing.json", "NotFoundError", "There is no file missing.json"),
        ("%ds_balance much", "UsageError", "Units are a whole number from 0, or none"),
        ("%ds_limits --per-hour -1", "UsageError", "not '-1'"),
        ("%ds_limits --community x --per-hour 1", "UsageError", "A community has no limits of units"),
        ("%ds_projects a b", "UsageError", "'b' is one word too many"),
    ],
)
async def test_what_is_written_wrong(admin: User, place: House, line: str, kind: str, says: str) -> None:
    error = (await admin.run(line.format(robot=place.id("robot")))).error
    assert error["ename"] == kind
    assert says in error["evalue"]


async def test_a_role_by_which_access_is_managed_is_warned_of(admin: User, own: str, place: House) -> None:
    me, viewer = place.id("admin"), place.id("viewer")
    # Its community makes the owner an admin, too: so nothing is lost.
    _, (asked,) = await admin.answering(f"%ds_revoke admin {me}", "n")
    assert asked.startswith("Take the role admin")
    await admin.run(f"%ds_grant admin {viewer} --yes")
    _, (asked,) = await admin.answering(f"%ds_revoke admin {viewer}", "n")
    assert asked.startswith(f"If you are {viewer}, you cannot manage access here any more afterwards. Take")
    crew = "c.create_community('crew', zone='ru-central1-a')"
    await admin.run(crew)
    _, (asked,) = await admin.answering(f"%ds_revoke admin {me} --community crew", "n")
    assert asked.startswith(
        f"If you are {me}, you cannot manage access here any more afterwards, and community crew ("
    )
    assert ") itself has no admin left. Take the role admin in community crew" in asked
    taken = (await admin.run(f"%ds_revoke admin {me} --community crew --yes")).text()
    assert taken.startswith(f"If you are {me}, ") and taken.endswith("has no admin left.\nTaken.\n")


async def test_members_as_json_go_back_in(admin: User, own: str, place: House) -> None:
    folder = Path(place.server("admin")["folder"])
    viewer, robot = place.id("viewer"), place.id("robot")
    assert (
        (await admin.run("%ds_members --json --file one.json"))
        .text()
        .startswith("one.json: 1 member of project ")
    )
    await admin.run(f"%ds_grant viewer {viewer} --yes\n%ds_grant developer serviceAccount:{robot} --yes")
    printed = json.loads((await admin.run("%ds_members --json")).text())
    prefix = "datasphere.community-projects"
    assert printed[1:] == [
        {"role": f"{prefix}.viewer", "subject": viewer, "type": "userAccount"},
        {"role": f"{prefix}.developer", "subject": robot, "type": "serviceAccount"},
    ]
    said = (await admin.run("%ds_members --json --file out.json")).text()
    assert said.startswith("out.json: 3 members of project ")
    assert json.loads((folder / "out.json").read_text()) == printed
    there = (await admin.run("%ds_members --json --file out.json")).error
    assert there["ename"] == "ConflictError" and "--overwrite" in there["evalue"]
    same = await admin.run("%ds_members --replace out.json")
    assert same.text().endswith("are those of out.json. Nothing was changed.\n")
    wanted = [*printed[:2], {"role": "editor", "subject": "allAuthenticatedUsers"}]
    (folder / "new.json").write_text(json.dumps(wanted))
    cell, (asked,) = await admin.answering("%ds_members --replace new.json", "y")
    assert table(cell) == [
        ["Change", "Role", "Subject", "Type"],
        ["add", "editor", "allAuthenticatedUsers", "system"],
        ["remove", "developer", robot, "serviceAccount"],
    ]
    assert asked.endswith(": 1 added, 1 removed, 2 unchanged? [y/N] ")
    assert cell.text() == "Replaced: 1 added, 1 removed, 2 unchanged.\n"
    assert [
        one["role"].rpartition(".")[2] for one in json.loads((await admin.run("%ds_members --json")).text())
    ] == [
        "admin",
        "viewer",
        "editor",
    ]


async def test_a_change_made_while_the_question_stands_is_not_lost(
    admin: User, own: str, place: House
) -> None:
    folder = Path(place.server("admin")["folder"])
    (folder / "meanwhile.json").write_text((await admin.run("%ds_members --json")).text())
    await admin.run(f"%ds_grant viewer {place.id('viewer')} --yes")
    content = {"allow_stdin": True, "code": "%ds_members --replace meanwhile.json", "silent": False}
    async with at_notebook(place, "admin") as other:
        request = await admin.kernel.send("shell", "execute_request", content)
        message: Facts = {"msg_type": ""}
        while message["msg_type"] != "input_request":
            message = await admin.kernel.receive()
        await other.run(f"c.project('{own}').grant('editor', '{place.id('editor')}')")
        await admin.kernel.send("stdin", "input_reply", {"value": "y"})
        error: Facts = {}
        async for message in admin.kernel.shown(request):
            if message["msg_type"] == "error":
                error = message["content"]
    assert error["ename"] == "ConflictError"
    assert f"+ datasphere.community-projects.editor of userAccount {place.id('editor')}" in error["evalue"]
    assert len(json.loads((await admin.run("%ds_members --json")).text())) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("{}", "it is no list"),
        ('["x"]', "its entry 1 is no object"),
        ('[{"role": "viewer", "subject": "x"}, {"role": "viewer"}]', "its entry 2 is no object"),
        ('[{"role": "viewer", "subject": "x", "typ": "y"}]', "its entry 1 is no object"),
        ('[{"role": "viewer", "subject": 1}]', "a value that is no text"),
        ('[{"role": "viewer", "subject": "x", "type": "user"}]', "the type 'user', which there is not"),
        ('[{"role": "viewr", "subject": "x"}]', "entry 1: There is no role 'viewr'"),
        ('[{"role": "viewer", "subject": "allUsers", "type": "userAccount"}]', "names two types"),
    ],
)
async def test_a_file_that_holds_no_members(admin: User, place: House, content: str, says: str) -> None:
    (Path(place.server("admin")["folder"]) / "bad.json").write_text(content)
    error = (await admin.run("%ds_members --replace bad.json --yes")).error
    assert (error["ename"], says in error["evalue"]) == ("UsageError", True), error["evalue"]


async def test_units(admin: User, own: str) -> None:
    assert "Units left: no limit" in (await admin.run("%ds_balance")).displays[0]["text/plain"]
    cell = await admin.run("%ds_balance 5000")
    assert table(cell) == [["Project", "Units left before", "After"], [own, "no limit", "5,000"]]
    assert cell.text() == "Set.\n"
    shown = (await admin.run("%ds_balance")).displays[0]["text/plain"]
    assert "Units left: 5,000" in shown and "Lasts for:  20 min 50 s of c1.4 (4 units a second)" in shown
    await admin.run("%ds_config spec=g1.1")
    assert "Lasts for:  1 min 9 s of g1.1 (72" in (await admin.run("%ds_balance")).displays[0]["text/plain"]
    _, (asked,) = await admin.answering("%ds_balance 0", "n")
    assert asked.startswith("With 0 units everything that runs in ")
    assert (await admin.run("%ds_balance 0 --yes")).text() == "Set.\n"
    assert table(await admin.run("%ds_balance none"))[1] == [own, "0", "no limit"]


async def test_limits_and_restrictions(admin: User, own: str) -> None:
    assert "Restrictions:   none" in (await admin.run("%ds_limits")).displays[0]["text/plain"]
    cell = await admin.run("%ds_limits --per-hour 30000 --per-execution 500")
    assert table(cell) == [
        [own, "Before", "After"],
        ["Units per hour", "no limit", "30,000"],
        ["Units per run", "no limit", "500"],
    ]
    assert table(await admin.run("%ds_limits --per-execution none"))[1] == [
        "Units per run",
        "500",
        "no limit",
    ]
    await admin.run(
        f"c.project('{own}').set_restrictions({{'allowed-specs': ['c1.4', {HOSTILE!r}], 'deny-file-download': True}})"
    )
    (shown,) = (await admin.run("%ds_limits")).displays
    assert "Units per hour:                 30,000 (c1.4, c1.8 may start)" in shown["text/plain"]
    assert "Restriction deny-file-download: yes" in shown["text/plain"]
    assert "Restriction allowed-specs:      c1.4, a<img" in shown["text/plain"]
    assert "\u202e" not in str(shown) and "\x1b" not in str(shown) and "<img" not in shown["text/html"]
    community = (await admin.run("%ds_limits --community demo-community")).displays[0]["text/plain"]
    assert "Community:    demo-community" in community


async def test_names_of_others_are_text(admin: User, own: str) -> None:
    made = await admin.run(
        f"crew = c.create_community({HOSTILE!r}, zone='ru-central1-a', description={HOSTILE!r})\n"
        f"two = crew.create_project('two', description={HOSTILE!r})\nthree = crew.create_project('three')"
    )
    assert not made.error, made.error
    for line in ("%ds_communities", "%ds_projects", "%ds_members -p two", "%ds_limits -p two"):
        cell = await admin.run(line)
        assert not cell.error, cell.error
        for data in cell.displays:
            assert "<img" not in data["text/html"]
            for text in data.values():
                assert "\u202e" not in text and "\x1b" not in text
    assert "a&lt;img/src=x" in (await admin.run("%ds_communities")).displays[0]["text/html"]
    unknown = (await admin.run("%ds_projects --community no-such")).error["evalue"]
    assert "The communities are" in unknown and "\u202e" not in unknown and "\x1b" not in unknown
    await admin.run("two.delete()\nthree.delete()\ncrew.delete()")


async def test_a_viewer_looks_and_is_told_which_role_changing_takes(place: House) -> None:
    async with at_notebook(place, "viewer") as viewer:
        assert "demo-project" in (await viewer.run("%ds_projects")).displays[0]["text/plain"]
        assert place.id("admin") in (await viewer.run("%ds_members")).displays[0]["text/plain"]
        for line, role in (
            (f"%ds_grant viewer {place.id('stranger')} --yes", "community-projects.admin"),
            (f"%ds_revoke admin {place.id('admin')} --yes", "community-projects.admin"),
            ("%ds_balance", "community-projects.editor"),
            ("%ds_balance 5", "community-projects.admin"),
            ("%ds_limits --per-hour 5", "community-projects.editor"),
            (
                f"%ds_grant viewer {place.id('stranger')} --community demo-community --yes",
                "communities.admin",
            ),
        ):
            error = (await viewer.run(line)).error
            assert error["ename"] == "CredentialsError", line
            assert f"The role datasphere.{role} in the" in error["evalue"], line


async def test_who_is_in_the_project_alone_does_not_see_its_community(
    place: House, admin: User, own: str
) -> None:
    await admin.run(f"%ds_grant viewer {place.id('stranger')} --yes")
    async with at_notebook(place, "stranger") as stranger:
        assert (
            await stranger.run("%ds_communities")
        ).text() == "There are no communities that this account may see.\n"
        project = await admin.value(f"c.project('{own}').id")
        cell = await stranger.run(f"%ds_members -p {project}")
        assert [row[0] for row in table(cell)[1:]] == ["admin", "viewer"]
        assert cell.text() == "Which roles its community gives in it is not shown to this account.\n"


async def test_completion_and_help(admin: User, own: str) -> None:
    for code, offers in (
        ("%ds_grant vi", ["viewer"]),
        ("%ds_grant viewer service", ["serviceAccount:"]),
        ("%ds_members --community demo-c", ["demo-community"]),
        (f"%ds_members -p {own[:3]}", [own]),
        ("%ds_limits --per-e", ["--per-execution"]),
        ("%ds_revoke viewer x --y", ["--yes"]),
    ):
        assert await admin.complete(code) == offers, code
    for magic in ("communities", "projects", "members", "grant", "revoke", "balance", "limits"):
        text = (await admin.run(f"%ds_{magic} --help")).text()
        assert text.startswith(f"usage: %ds_{magic}") and "examples:" in text

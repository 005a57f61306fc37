"""Which channels the project can use, and whether its own Jupyter server is known."""

from __future__ import annotations

from ...executions.choice import OK
from ..finding import Case, Check, Finding


async def channels(case: Case) -> list[Finding]:
    assert case.project is not None
    findings = await case.backend.executions.choices.findings(case.project.id)
    usable = OK in findings.values()
    return [
        Finding(f"Channel {name}", "ok", "It can be used.")
        if word == OK
        else Finding(f"Channel {name}", "warn" if usable else "fail", word)
        for name, word in findings.items()
    ]


async def link(case: Case) -> list[Finding]:
    """Known here means in the keyring: another server's memory cannot be looked into."""
    assert case.project is not None
    links = case.backend.links
    await links.load(case.project.id)
    known = links.get(case.project.id)
    if known is not None:
        return [Finding("Link", "ok", f"The keyring has one, which leads to {known.host}.")]
    if trouble := links.trouble(case.project.id):
        return [Finding("Link", "warn", trouble, "Give it again: `jupyter datasphere link`.")]
    found = "The keyring has none; a running server may have one in its memory. It is not needed."
    return [Finding("Link", "ok", found)]


CHECKS = (
    Check("Channels", channels, needs_project=True),
    Check("Link", link, needs_project=True),
)

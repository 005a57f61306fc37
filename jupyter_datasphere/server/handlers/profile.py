"""``/datasphere/profile``: which named credentials there are, and which are in force. No secret goes out."""

from __future__ import annotations

from ...protocol import ProfileRequest
from .base import DataSphereHandler, allow_unauthenticated


class ProfileHandler(DataSphereHandler):
    """The profiles of this server; what is chosen holds for all of its callers."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Asks nobody."""
        self.answer(self.backend.profiles())

    @allow_unauthenticated
    async def put(self) -> None:
        """Choose one, once it has given a token."""
        request = self.read_body(ProfileRequest)
        self.answer(await self.backend.choose_profile(request.name))

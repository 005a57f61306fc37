"""The server's HTTP API for those who await."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import httpx

from ..kernel.address import Address
from ..kernel.answers import RefusedError, broken, decoded, nothing_taken, options, refusal
from ..kernel.discovery import Discovery
from ..kernel.steps import Ask, Pause, Steps

T = TypeVar("T")


class AsyncLink:
    """As `kernel.link.Link`, for calls that are answered as a whole.

    Many may be under way in one event loop.
    """

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._address: Address | None = None
        self._client: httpx.AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def run(self, steps: Steps[T]) -> T:
        """Take the steps one after another. Raises what they raise; a cancellation ends them."""
        try:
            step = next(steps)
            while True:
                try:
                    done = await self._take(step)
                except Exception as error:  # noqa: BLE001 - theirs to handle, or to raise
                    step = steps.throw(error)
                else:
                    step = steps.send(done)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def connect(self) -> None:
        """Find the server. Raises `UnavailableError`, which says what to do, where there is none."""
        await self._connected()

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _take(self, step: Ask | Pause) -> Any:
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        while True:
            address, client = await self._connected()
            try:
                response = await client.request(step.verb, f"{address.url}{step.path}", **step.request())
                if response.is_error:
                    raise refusal(response, address)
            except (httpx.TransportError, RefusedError) as error:
                failure = error if isinstance(error, RefusedError) else broken(error, address)
                if not (
                    nothing_taken(failure) and await asyncio.to_thread(self._discovery.moved_from, address)
                ):
                    raise failure from None
            else:
                return decoded(response.content, step.answer)

    async def _connected(self) -> tuple[Address, httpx.AsyncClient]:
        async with self._connecting:
            # In a thread, as a server that is just starting is waited for.
            address = await asyncio.to_thread(self._discovery.address)
            if self._client is None or address is not self._address:
                await self.aclose()
                self._address, self._client = address, httpx.AsyncClient(**options(address))
            return address, self._client

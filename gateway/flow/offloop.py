"""Takes what is heavy off the event loop, so that one large document does not stop the house.

Two threads, however many documents come: the crypto libraries and libxml2 let go of the
interpreter's lock while they work, our own functions take turns with the loop. Whoever waits for
a thread waits here, and the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar, TypeVarTuple

Answer = TypeVar("Answer")
Arguments = TypeVarTuple("Arguments")

LIGHT: Final = 256 * 2**10
"""Bytes of a document that is worked on at once: a thread would cost more than it saves."""

_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="offloop")


async def away(
    size: int, function: Callable[[*Arguments], Answer], *arguments: *Arguments
) -> Answer:
    """Return what the function answers; above `LIGHT` bytes a thread asks it.

    Raises what the function raises. The function must be safe beside itself.
    """
    if size <= LIGHT:
        return function(*arguments)
    return await in_thread(function, *arguments)


async def in_thread(function: Callable[[*Arguments], Answer], *arguments: *Arguments) -> Answer:
    """Return what the function answers, asked in a thread whatever the size."""
    call = copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_THREADS, call, function, *arguments)

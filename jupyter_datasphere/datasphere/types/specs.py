"""Computing configurations."""

from __future__ import annotations

import msgspec


class Spec(msgspec.Struct, frozen=True):
    """A computing configuration. One unit is one vCPU for one second; `units` are per second."""

    name: str
    vcpu: int
    gpu: int
    ram_gb: int | None
    units: int


SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec("c1.4", 4, 0, 32, 4),
        Spec("c1.8", 8, 0, 64, 8),
        Spec("c1.32", 32, 0, 256, 32),
        Spec("c1.80", 80, 0, 640, 80),
        Spec("g1.1", 8, 1, 48, 72),
        Spec("g1.2", 16, 2, 96, 144),
        Spec("g1.4", 32, 4, 192, 288),
        Spec("g2.1", 28, 1, 119, 116),
        Spec("g2.2", 56, 2, 238, 232),
        Spec("g2.4", 112, 4, 476, 464),
        Spec("g2.8", 224, 8, 952, 928),
        Spec("gt4.1", 4, 1, None, 36),
    )
}
DEFAULT_SPEC = "c1.4"

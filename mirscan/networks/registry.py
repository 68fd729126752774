"""The architectures by name. Reading this list loads no network code and no Keras."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from mirscan.errors import ModelError


@dataclass(frozen=True)
class Architecture:
    """`function` is "module:name" below mirscan.networks; `description` one line; `publication` where the design comes from."""

    function: str
    description: str
    publication: str

    def load(self) -> Callable:
        """The function that turns NetworkInputs and settings into the symbolic probability."""
        module, name = self.function.split(":")
        return getattr(importlib.import_module(f"mirscan.networks.{module}"), name)


ARCHITECTURES: dict[str, Architecture] = {
    "mirscan_base": Architecture("mirscan:mirscan_base", "pair-convolution stem, two 3x3 convolutions, dense head", "mirscan"),
    "mirscan_fast": Architecture("mirscan:mirscan_fast", "the same plan with strides, for a fifth of the cost", "mirscan"),
}


def find_architecture(name: str) -> Architecture:
    """The architecture of that name; ModelError with the known names otherwise."""
    if name not in ARCHITECTURES:
        raise ModelError(f"unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]

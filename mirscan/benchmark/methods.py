"""The methods that are compared, as data."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirscan.errors import InputError


@dataclass(frozen=True)
class Method:
    """A row of the comparison; see methods.toml."""

    name: str
    ground: str = "chimeras"
    pool: str = "given"
    draw: str = "train"
    hardness: str = ""
    positives: float = 1.0
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.ground} {self.name}".lower()).strip("-")


def read_methods(only: tuple[str, ...] = ()) -> list[Method]:
    """All methods, or those whose names begin with one of `only`; InputError where none does."""
    entries = tomllib.loads((Path(__file__).parent / "methods.toml").read_text(encoding="utf-8"))["method"]
    methods = [Method(**entry) for entry in entries]
    chosen = [method for method in methods if not only or method.name.startswith(only)]
    if not chosen:
        raise InputError(f"--only {', '.join(only)}: no method begins so; there are {'; '.join(method.name for method in methods)}")
    return chosen

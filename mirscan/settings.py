"""Settings that are declared once: the type, default, range, sentence and panel of a setting stand beside its name, and the options of
a command, the keys of a TOML file, every check and the docs come from there.

msgspec converts and checks plain values; what it finds wrong is told in mirscan's words.
"""

import dataclasses
import math
import os
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self

import msgspec

from mirscan.errors import InputError

# type -> how messages call one such value, and several
KINDS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("true or false", ""),
    tuple: ("a list", "lists"),
}


def about(
    sentence: str, panel: str, *, flags: tuple[str, ...] = (), unit: str = "", positional: bool = False, commas: bool = False, **limits
):
    """What stands behind the type of a setting: a sentence for help and docs, the panel of --help, and limits (`ge`, `le`, `gt`).

    `flags` replace the flag made of the name; `unit` stands behind a number in messages; `positional` makes it an argument; `commas`
    lets one flag hold several words.
    """
    return msgspec.Meta(
        description=sentence, extra={"panel": panel, "flags": flags, "unit": unit, "positional": positional, "commas": commas}, **limits
    )


@dataclass(frozen=True)
class Setting:
    """One declared setting; `kind` is its bare type without None, `default` what it is when nobody says otherwise."""

    name: str
    annotation: Any
    kind: Any
    default: Any
    meta: msgspec.Meta

    @property
    def flags(self) -> tuple[str, ...]:
        """Its options on the command line."""
        return self.meta.extra["flags"] or (f"--{self.name.replace('_', '-')}",)

    @property
    def is_required(self) -> bool:
        return self.default is dataclasses.MISSING

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if typing.get_origin(self.kind) is typing.Literal:
            return ", ".join(typing.get_args(self.kind))
        arguments = typing.get_args(self.kind)
        if typing.get_origin(self.kind) is dict:
            return "a table of names and values" if arguments[1] is Any else f"a table of names and {KINDS[arguments[1]][1]}"
        if typing.get_origin(self.kind) is tuple:
            return f"a list of {KINDS[arguments[0]][1]}"
        lowest, highest = (self.meta.ge if self.meta.gt is None else self.meta.gt), self.meta.le
        words = KINDS[self.kind][0] + (f" of {self.meta.extra['unit']}" if self.meta.extra["unit"] else "")
        if lowest is None:
            return words
        if highest is None:
            return f"{words}, {'more than' if self.meta.gt is not None else 'at least'} {lowest:,}"
        return f"{words} from {lowest:,} to {highest:,}"

    def check(self, value: Any, tell: Callable[[str, Any], str]) -> Any:
        """The value as its type has it (a list as a tuple, a whole number as a float); InputError begins with `tell(name, value)`."""
        plain = os.fspath(value) if isinstance(value, os.PathLike) else value
        if typing.get_origin(self.kind) is tuple and plain is not None:
            items = plain if isinstance(plain, list | tuple) else [plain] if plain != "" else []
            plain = [os.fspath(item) if isinstance(item, os.PathLike) else item for item in items]
        try:
            converted = msgspec.convert(plain, self.annotation)
            # No limit excludes nan, which compares as false with everything.
            if isinstance(converted, float) and not math.isfinite(converted):
                raise msgspec.ValidationError
            return converted
        except msgspec.ValidationError:
            raise InputError(f"{tell(self.name, value)} expected {self.expected}") from None


@cache
def settings_of(cls: type) -> dict[str, Setting]:
    """The settings that a class declares, by name and in order."""
    annotations = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for field in dataclasses.fields(cls):
        annotation = annotations[field.name]
        # `Annotated[int, about(...)] | None` for what may be left unsaid: limits stand on the number, not on the choice.
        declared = annotation if typing.get_origin(annotation) is Annotated else typing.get_args(annotation)[0]
        kind, meta = typing.get_args(declared)
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        found[field.name] = Setting(field.name, annotation, kind, default, meta)
    return found


class Settings:
    """Base of frozen dataclasses of settings; every way to make one checks every value."""

    def __post_init__(self):
        for name, setting in settings_of(type(self)).items():
            object.__setattr__(self, name, setting.check(getattr(self, name), self.tell))
        self.check()

    @staticmethod
    def tell(name: str, value: Any) -> str:
        """How an error about one setting begins."""
        return f"--{name.replace('_', '-')} {value}:"

    def check(self) -> None:
        """Raise InputError where settings contradict each other."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or TOML."""
        values = {name: getattr(self, name) for name in settings_of(type(self))}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "settings") -> Self:
        """Settings of plain values; InputError begins with `where` and names an unknown key with the known ones."""
        known = settings_of(cls)
        unknown = [key for key in values if key not in known]
        if unknown:
            raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
        return cls(**{key: known[key].check(value, lambda name, value: f"{where}: {name} is {value!r};") for key, value in values.items()})

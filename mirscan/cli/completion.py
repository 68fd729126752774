"""What a shell offers behind an option on <Tab>, where its words are known; elsewhere it offers files.

A table from the name of a setting or parameter to its words, which are looked up only when a shell asks.
"""

import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mirscan.settings import Setting
from mirscan.shipped import CARD_FILE, REPRESSION_FILE, shipped_names


@dataclass(frozen=True)
class Words:
    """`read` gives the words; with `commas` one option holds several."""

    read: Callable[[], Iterable[str]]
    commas: bool = False

    def complete(self, incomplete: str) -> list[str]:
        """Whole values that may stand where `incomplete` was typed.

        >>> from mirscan.cli.completion import Words
        >>> Words(lambda: ["8mer", "6mer"], commas=True).complete("8mer,")
        ['8mer,8mer', '8mer,6mer']
        """
        before = incomplete[: incomplete.rfind(",") + 1] if self.commas else ""
        return [before + word for word in self.read()]


def complete(name: str) -> Callable[[str], list[str]]:
    """What completes an option whose words are those of `name` in the table."""
    return WORDS[name].complete


def complete_setting(setting: Setting) -> Callable[[str], list[str]] | None:
    """What completes a declared setting: its choices, or the words of its name; None for files, numbers and the like."""
    if typing.get_origin(setting.kind) is typing.Literal:
        return Words(lambda: typing.get_args(setting.kind)).complete
    words = WORDS.get(setting.name)
    return words and words.complete


def _rules() -> Iterable[str]:
    from mirscan.seeds.rules import BUILT_IN, GROUPS

    return *GROUPS, *BUILT_IN


def _models() -> Iterable[str]:
    return shipped_names(CARD_FILE)


def _scorers() -> Iterable[str]:
    from mirscan.run.settings import DUPLEX, NO_MODEL

    return *_models(), DUPLEX, NO_MODEL


def _gene_models() -> Iterable[str]:
    return shipped_names(REPRESSION_FILE)


def _architectures() -> Iterable[str]:
    from mirscan.networks.registry import ARCHITECTURES

    return ARCHITECTURES


def _features() -> Iterable[str]:
    from mirscan.run.settings import ACCESSIBILITY
    from mirscan.tables import FEATURES

    return *(column.name for column in FEATURES), ACCESSIBILITY


def _formats() -> Iterable[str]:
    from mirscan.run.settings import FORMATS

    return FORMATS


def _regions() -> Iterable[str]:
    from mirscan.genome.settings import REGION_NAMES

    return REGION_NAMES


WORDS = {
    "rule": Words(_rules),
    "seeds": Words(_rules, commas=True),
    "features": Words(_features, commas=True),
    "format": Words(_formats, commas=True),
    "region": Words(_regions),
    "model": Words(_scorers),
    "gene_model": Words(_gene_models),
    "architecture": Words(_architectures),
    **dict.fromkeys(("card", "init", "teacher", "mining"), Words(_models)),
}

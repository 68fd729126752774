"""How every command reads its words and shows its help."""

from collections.abc import Iterable
from pathlib import Path

import typer
from typer.core import TyperCommand

from mirscan.errors import InputError

# What an empty word has become when it is read as text or as a file.
_NOTHING = ("", Path())


class Command(TyperCommand):
    """Options grouped by their panel, in plain text: Typer's own panels take rich, which alone costs as long as all the rest.

    An empty word is an input error, whatever it stands for: it is an unset variable of a shell, and would mean the current folder, no
    filter or no sequence.
    """

    def parse_args(self, ctx, args):
        given = list(args)
        try:
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            # A shell's *.fa ends up here.
            if "extra argument" in error.message:
                error.message += self._explain_extra(ctx, given)
            raise
        if any(_is_empty(word) for word in given):
            self._refuse_nothing(ctx)
        return rest

    def _explain_extra(self, ctx, given: list[str]) -> str:
        """How the option before a word too many takes several, or that it takes one or none."""
        options = {name: option for option in self.get_params(ctx) for name in option.opts}
        # Behind a flag may stand an argument of the command's own.
        has_arguments = not all(name.startswith("-") for name in options)
        for name, first, second in zip(given, given[1:], [*given[2:], "-"], strict=False):
            option = options.get(name)
            if option is None or first.startswith("-"):
                continue
            if option.is_flag and not has_arguments:
                return f"; {name} takes no word"
            if not option.is_flag and not second.startswith("-"):
                return f"; several are given as {name} a {name} b" if option.multiple else f"; {name} takes one word"
        return ""

    def _refuse_nothing(self, ctx) -> None:
        """Raise InputError that names the first option or argument with an empty value."""
        for parameter in self.params:
            is_typed = getattr(ctx.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
            if is_typed and any(value in _NOTHING for value in _values(ctx.params[parameter.name])):
                name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
                raise InputError(f"{name}: empty; expected a value (an unset shell variable?)")

    def format_options(self, ctx, formatter):
        panels: dict[str, list] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def _is_empty(word: str) -> bool:
    """Whether a word is "" or --option= with nothing behind it."""
    return not word or (word.startswith("--") and word.partition("=")[1:] == ("=", ""))


def _values(value) -> Iterable:
    """One value or those of an option that is given several times."""
    return value if isinstance(value, list | tuple) else (value,)

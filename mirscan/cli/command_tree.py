"""Every command with its options, as the pages that list them need it."""

from collections.abc import Iterator

import typer


def iter_commands() -> Iterator[tuple[str, object, object]]:
    """(name, command, context) of the program itself, then of each command in the order of --help, those of a group behind one another."""
    from mirscan.cli.main import app

    group = typer.main.get_command(app)
    context = group.context_class(group, info_name="mirscan")
    yield "mirscan", group, context
    for name, command in group.commands.items():
        yield from _descend(f"mirscan {name}", command, context)


def _descend(name: str, command, parent) -> Iterator[tuple[str, object, object]]:
    context = command.context_class(command, info_name=name, parent=parent)
    if not hasattr(command, "commands"):
        yield name, command, context
        return
    for child, inner in command.commands.items():
        yield from _descend(f"{name} {child}", inner, context)


def option_records(command, context) -> list[tuple[str, str]]:
    """(flags, sentence) of each argument and option, as --help shows them."""
    return list(filter(None, (parameter.get_help_record(context) for parameter in command.get_params(context))))

"""From declared settings to the options of a command, and from what was typed back to plain values."""

import inspect
import tomllib
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from mirscan.cli.completion import complete_setting
from mirscan.errors import InputError
from mirscan.sequence.text import finite
from mirscan.settings import Setting, settings_of


def with_settings(**classes: type) -> Callable:
    """Decorator: a command gets, in each parameter named here, a dict of those settings of that class that were given.

    All of the class's options take its place in the signature, in their panels. What was not typed is not in the dict, so that a
    TOML file or the class's own default decides.
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)
        own = [parameter for name, parameter in signature.parameters.items() if name not in classes]
        options = [_parameter(setting) for cls in classes.values() for setting in settings_of(cls).values()]

        def command(**values: Any) -> None:
            for name, cls in classes.items():
                settings = settings_of(cls)
                typed = {key: values.pop(key) for key in settings}
                values[name] = {key: _value(settings[key], value) for key, value in typed.items() if value not in (None, [])}
            function(**values)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        parameters = [*options, *own]
        command.__signature__ = inspect.Signature([parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters])
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def describe_default(setting: Setting) -> str:
    """The default as a user would type it; empty where there is none worth a word."""
    if setting.is_required or setting.default in (None, False, "", (), {}):
        return ""
    return ",".join(map(str, setting.default)) if isinstance(setting.default, tuple) else f"{setting.default}"


def _parameter(setting: Setting) -> inspect.Parameter:
    """One option; without a default of its own, so that None says that it was not typed."""
    details = {
        "help": _help(setting),
        "rich_help_panel": setting.meta.extra["panel"],
        "show_default": False,
        "autocompletion": complete_setting(setting),
    }
    what = typer.Argument(**details) if setting.meta.extra["positional"] else typer.Option(*_flags(setting), **details)
    kind = _typed_kind(setting)
    default, kind = (inspect.Parameter.empty, kind) if setting.is_required else (None, kind | None)
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, what])


def _typed_kind(setting: Setting) -> Any:
    """What Typer reads for a setting of this kind."""
    origin = typing.get_origin(setting.kind)
    if origin is tuple:
        return str if setting.meta.extra["commas"] else list[typing.get_args(setting.kind)[0]]
    return {None: setting.kind, dict: list[str], typing.Literal: str}[origin]


def _help(setting: Setting) -> str:
    choices = f" One of {setting.expected}." if typing.get_origin(setting.kind) is typing.Literal else ""
    default = describe_default(setting)
    return setting.meta.description + choices + (f" Default: {default}." if default else "")


def _flags(setting: Setting) -> tuple[str, ...]:
    """A switch can also be turned off, for a recipe that turned it on."""
    if setting.kind is bool:
        return (f"{setting.flags[0]}/--no-{setting.flags[0].removeprefix('--')}",)
    return setting.flags


def _value(setting: Setting, typed: Any) -> Any:
    """What was typed as plain values of the setting's kind; its checks come later, in the class."""
    if setting.meta.extra["commas"]:
        words = [word.strip() for word in typed.split(",") if word.strip()]
        if typed and not words:
            raise InputError(f"{setting.flags[0]} {typed!r}: expected names separated by commas")
        return words
    if typing.get_origin(setting.kind) is dict:
        return dict(_assignment(text, setting.flags[0]) for text in typed)
    return typed


def _assignment(text: str, flag: str) -> tuple[str, Any]:
    """NAME=VALUE with the value read as TOML, a bare word as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{flag} {text}: expected NAME=VALUE")
    try:
        return name.strip(), tomllib.loads(f"value = {value}", parse_float=finite)["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()

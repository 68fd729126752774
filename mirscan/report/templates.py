"""The templates of this package, all with autoescape."""

from functools import cache
from pathlib import Path

TEMPLATES, ASSETS = (Path(__file__).parent / name for name in ("templates", "assets"))


@cache
def _environment():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render(name: str, **values) -> str:
    """The text of a template; a value that the template names and that is not given is an error."""
    return _environment().get_template(name).render(**values)

"""docs/settings.md: every option of a scan and every key of a recipe, from where they are declared.

Made anew by `python -m mirscan.cli.settings_page > docs/settings.md`; a test compares the two.
"""

from mirscan.cli.options import describe_default
from mirscan.run.settings import RunOptions, ScanSettings
from mirscan.settings import Setting, settings_of
from mirscan.train.recipe import Recipe

_INTRODUCTION = """# Settings

Every setting is declared once, in `mirscan/run/settings.py` or `mirscan/train/recipe.py`; this page, the options, the keys of a TOML
file and the checks come from there. In Python they are the keyword arguments of `mirscan.scan` and the fields of `Recipe`.
"""


def settings_page() -> str:
    """The text of docs/settings.md."""
    scan = [*settings_of(ScanSettings).values(), *settings_of(RunOptions).values()]
    sections = [("`mirscan scan`", scan), ("`mirscan train` and `--recipe`", [*settings_of(Recipe).values()])]
    return _INTRODUCTION + "".join(f"\n## {title}\n{_tables(settings)}" for title, settings in sections)


def _tables(settings: list[Setting]) -> str:
    rows: dict[str, str] = {}
    for setting in settings:
        panel = setting.meta.extra["panel"]
        rows[panel] = rows.get(panel, "") + _row(setting)
    return "".join(f"\n### {panel}\n\n{_HEADING}{text}" for panel, text in rows.items())


_HEADING = "| option | key | expected | default | |\n| --- | --- | --- | --- | --- |\n"


def _row(setting: Setting) -> str:
    option = "(arguments)" if setting.meta.extra["positional"] else " ".join(f"`{flag}`" for flag in setting.flags)
    default = "required" if setting.is_required else f"`{describe_default(setting)}`" if describe_default(setting) else ""
    return f"| {option} | `{setting.name}` | {setting.expected} | {default} | {setting.meta.description} |\n"


if __name__ == "__main__":
    print(settings_page(), end="")

"""docs/settings.md: every setting of a scan, a recipe, a pre-training and a comparison, from where they are declared.

Made anew by `python -m mirscan.cli.settings_page > docs/settings.md`; a test compares the two.
"""

from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.cli.options import describe_default
from mirscan.run.settings import RunOptions, ScanSettings
from mirscan.settings import Setting, settings_of
from mirscan.train.pretrain_settings import PretrainSettings
from mirscan.train.recipe import Recipe

_INTRODUCTION = """# Settings

Every setting is declared once, as a field of a class; this page, the options, the keys of a TOML file and the checks come from there. In
Python those of a scan are the keyword arguments of `mirscan.scan`, the others the fields of their class.
"""
# The heading of each section, and the classes whose settings it lists.
_SECTIONS = (
    ("`mirscan scan`", (ScanSettings, RunOptions)),
    ("`mirscan train` and `--recipe`", (Recipe,)),
    ("`mirscan pretrain`", (PretrainSettings,)),
    ("`mirscan benchmark-training`", (BenchmarkSettings,)),
)


def settings_page() -> str:
    """The text of docs/settings.md."""
    return _INTRODUCTION + "".join(f"\n## {title}\n{_tables(classes)}" for title, classes in _SECTIONS)


def _tables(classes) -> str:
    rows: dict[str, str] = {}
    for setting in (setting for cls in classes for setting in settings_of(cls).values()):
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

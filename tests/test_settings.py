"""A setting is declared once: what its declaration says is what is checked, shown and read."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.cli.settings_page import settings_page
from mirscan.errors import InputError
from mirscan.genome.settings import RegionSettings
from mirscan.run.settings import RunOptions, ScanSettings
from mirscan.settings import Settings, about, settings_of
from mirscan.train.pretrain_settings import PretrainSettings
from mirscan.train.recipe import Recipe


@dataclass(frozen=True)
class Oven(Settings):
    mode: Annotated[Literal["grill", "fan"], about("Where heat comes from.", "Heat")] = "fan"
    degrees: Annotated[int, about("Of Celsius.", "Heat", ge=0, le=300)] = 180
    minutes: Annotated[float, about("Time.", "Time", gt=0)] | None = None
    trays: Annotated[tuple[str, ...], about("What goes in.", "Food", flags=("--tray",))] = ()
    salt: Annotated[dict[str, float], about("Grams.", "Food")] = field(default_factory=dict)


def test_settings__plain_values_become_what_is_declared():
    oven = Oven.from_dict({"minutes": 5, "trays": ["bread"], "salt": {"dough": 2}}, "oven.toml")
    assert oven == Oven(minutes=5.0, trays=("bread",), salt={"dough": 2.0})
    assert isinstance(oven.minutes, float) and isinstance(oven.salt["dough"], float)
    assert Oven(trays="bread").trays == ("bread",)
    assert Oven(trays=[Path("bread")]).trays == ("bread",)
    assert oven.to_dict() == {"mode": "fan", "degrees": 180, "minutes": 5.0, "trays": ["bread"], "salt": {"dough": 2.0}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"degrees": 301}, "--degrees 301: expected a whole number from 0 to 300"),
        ({"degrees": True}, "--degrees True: expected a whole number from 0 to 300"),
        ({"degrees": 1.5}, r"--degrees 1.5: expected a whole number"),
        ({"minutes": 0}, "--minutes 0: expected a number, more than 0"),
        ({"minutes": float("nan")}, "--minutes nan: expected a number, more than 0"),
        ({"minutes": float("inf")}, "--minutes inf: expected a number, more than 0"),
        ({"mode": "steam"}, "--mode steam: expected grill, fan"),
        ({"trays": [3]}, "--trays [3]: expected a list of texts"),
        ({"salt": {"dough": "much"}}, "expected a table of names and numbers"),
    ],
)
def test_settings__every_way_to_make_one_checks(values, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Oven(**values)
    with pytest.raises(InputError, match=re.escape("oven.toml: ")):
        Oven.from_dict(values, "oven.toml")


def test_settings__unknown_key_lists_the_known():
    with pytest.raises(InputError, match=r"oven\.toml: unknown key 'degree'; known are mode, degrees, minutes, trays, salt"):
        Oven.from_dict({"degree": 3}, "oven.toml")


@pytest.mark.parametrize("cls", [ScanSettings, RunOptions, RegionSettings, Recipe, PretrainSettings, BenchmarkSettings])
def test_settings__each_has_a_sentence_and_a_panel(cls):
    for setting in settings_of(cls).values():
        assert setting.meta.description.endswith("."), setting.name
        assert setting.meta.extra["panel"], setting.name


def test_settings_page__is_what_the_declarations_say():
    page = Path(__file__).parents[1] / "docs" / "settings.md"
    assert page.read_text() == settings_page()

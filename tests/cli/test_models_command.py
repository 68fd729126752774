"""Model cards: what is shipped loads and does what its card says; what disagrees is refused."""

import shutil

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import ModelError
from mirscan.trained_models import CARD_FILE, NETWORK_FILE, find_model, list_models, load_model, read_card


def copy_of(name, folder):
    shutil.copytree(find_model(name), folder)
    return folder


@pytest.mark.parametrize("card", list_models(), ids=lambda card: card.name)
def test_shipped_model__loads_and_gives_the_outputs_of_its_card(card):
    from mirscan.networks import count_parameters

    model = load_model(card.name)
    assert model.card.examples and count_parameters(model.network) == card.parameters
    assert card.training, "a card says what the model saw"


def test_shipped_models__base_is_the_default_and_all_fit_in_60_mb():
    sizes = {card.name: (find_model(card.name) / NETWORK_FILE).stat().st_size for card in list_models()}
    assert "base" in sizes
    assert max(sizes.values()) < 25e6 and sum(sizes.values()) < 60e6


def test_models_commands__print_what_there_is():
    listed = CliRunner().invoke(app, ["models", "list"]).stdout
    assert "base" in listed and "parameters" in listed
    assert CliRunner().invoke(app, ["models", "show", "base"]).stdout.startswith("format = 1")
    assert "file and card agree" in CliRunner().invoke(app, ["models", "check", "base"]).stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 9", "expected format = 1"),
        ("mirna_length = ", "mirna_length = 1", "differ from the card's"),
        ("output = 0.", "output = 1.", "the card says"),
        ("[layout]", "[lay-out]", "expected the entries of a mirscan card"),
        ("[layout]", "[layout", "not valid TOML"),
        ("base_rate = ", "base_rate = nan #", r"not valid TOML \(found nan; expected a number\)"),
        ('sha256 = "', 'sha256 = "0', "checksum differs"),
    ],
)
def test_load_model__card_that_disagrees(tmp_path, old, new, message):
    folder = copy_of("base", tmp_path / "model")
    text = (folder / CARD_FILE).read_text()
    assert old in text
    (folder / CARD_FILE).write_text(text.replace(old, new, 1))
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_load_model__damaged_or_missing_file(tmp_path):
    folder = copy_of("base", tmp_path / "model")
    text = (folder / CARD_FILE).read_text()
    checksum = next(line for line in text.splitlines() if line.startswith("sha256"))
    (folder / CARD_FILE).write_text(text.replace(checksum, 'sha256 = ""'))
    (folder / NETWORK_FILE).write_bytes(b"not a network")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(folder)
    (folder / NETWORK_FILE).unlink()
    with pytest.raises(ModelError, match="not there"):
        load_model(folder)


def test_find_model__unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ModelError, match=r"'nonsense': neither a known name nor a folder with card.toml; known: .*base"):
        find_model("nonsense")
    with pytest.raises(ModelError, match="neither"):
        find_model(tmp_path)
    assert read_card(find_model("base")).name == "base"

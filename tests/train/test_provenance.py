"""What a model's card says of the models behind it."""

from mirscan.train.provenance import provenance
from mirscan.train.recipe import Recipe
from mirscan.trained_models import file_sha256, read_card


def test_provenance__every_model_behind_it_stands_in_the_card_once():
    base, fast = read_card("models/base"), read_card("models/fast")
    training = provenance(Recipe(pairs=("a.tsv",), init=("base", "fast", "base"), teacher="fast", epochs=0), True)
    models = {name: file_sha256(f"models/{name}/model.keras") for name in ("base", "fast")}
    assert [start["sha256"] for start in training["init"]] == [models[name] for name in ("base", "fast", "base")]
    assert training["teacher"] == {"model": "fast", "sha256": models["fast"]}
    assert training["pairs"] == [] and training["soft_labels"]
    ancestors = training["ancestors"]
    assert set(ancestors) == {*models.values(), *base.training["ancestors"], *fast.training["ancestors"]}
    assert ancestors[models["base"]]["init"] == base.training["init"]
    assert not any("ancestors" in own for own in ancestors.values())
    named = [ref for own in ancestors.values() for role in ("init", "teacher", "mining") for ref in _references(own.get(role, []))]
    assert {ref["sha256"] for ref in named} <= set(ancestors)


def _references(entry: dict | list) -> list[dict]:
    return entry if isinstance(entry, list) else [entry]

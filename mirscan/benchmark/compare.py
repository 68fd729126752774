"""benchmark_training: every method with every seed, row by row, and the page they fill."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from mirscan.benchmark.grounds import Ground, prepare_ground
from mirscan.benchmark.methods import Method, read_methods
from mirscan.benchmark.page import comparison, draw_comparison, write_page
from mirscan.benchmark.planted import write_planted
from mirscan.benchmark.rows import Place, make_row, measure
from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.errors import InputError, RunError
from mirscan.evaluation.controls import control_scores
from mirscan.notices import counted
from mirscan.pairs.read import read_pairs
from mirscan.windows import WindowLayout, encode_pairs

SETTINGS_FILE = "settings.json"
_QUICK = {"positives": 0, "pool_ratio": 8, "train_ratio": 5, "epochs": 2, "batch_size": 64, "seeds": 1, "architecture": "mirscan_fast"}
# What may differ between two calls on one folder.
_FREE = ("only", "seeds", "threads", "scan_task")
_LAYOUT = WindowLayout()


def benchmark_training(
    settings: BenchmarkSettings, out: str | Path, page: str | Path | None = None, *, say: Callable[[str], None] = lambda line: None
) -> list[dict]:
    """Train and test every method with every seed in the folder `out`; returns the rows.

    Rows are kept as JSON as they are made, and a row that is there is not made again: a killed comparison goes on with the same call.
    `page`: a Markdown page whose marked part becomes the table. Raises InputError for data that is not there, RunError where `out` holds
    a comparison of other size.

    >>> from mirscan.benchmark.settings import BenchmarkSettings
    >>> rows = ms.benchmark_training(BenchmarkSettings(quick=True, only=("focal",)), "comparison")
    >>> rows[0]["method"], sorted(rows[0]["scores"])[-2:]
    ('focal loss', ['test 1:1', 'test 1:10'])
    """
    out, methods = Path(out), read_methods(settings.only)
    if settings.quick:
        settings = replace(settings, data=str(write_planted(out / "planted")), **_QUICK)
    elif not settings.data:
        raise InputError("no data folder; give --data FOLDER, or --quick for planted pairs")
    _claim(settings, out)
    place, rows = Place(out), []
    grounds = {name: prepare_ground(name, settings, out / name) for name in dict.fromkeys(method.ground for method in methods)}
    for method, seed in _order(methods, settings.seeds):
        rows.append(make_row(method, seed, grounds[method.ground], settings, place, say))
        say(f"{method.name}, seed {seed}: {_first_score(rows[-1])}")
    rows += [row for ground in grounds.values() for row in control_rows(ground)]
    (out / "rows.json").write_text(json.dumps(rows, indent=1) + "\n")
    draw_comparison(rows, out / "comparison.png")
    if page is not None:
        by_ground = {name: [row for row in rows if row["ground"] == name] for name in grounds}
        write_page(Path(page), {name: comparison(own, methods, _about(name, settings)) for name, own in by_ground.items()})
    return rows


def _order(methods: list[Method], seeds: int) -> Iterator[tuple[Method, int]]:
    """Every method once before any a second time: a comparison that is cut short has all its rows."""
    return ((method, seed) for seed in range(1, seeds + 1) for method in methods)


def _claim(settings: BenchmarkSettings, out: Path) -> None:
    """Write what the comparison is into its folder, or check that it is the same."""
    out.mkdir(parents=True, exist_ok=True)
    own = {key: value for key, value in settings.to_dict().items() if key not in _FREE}
    path = out / SETTINGS_FILE
    if not path.is_file():
        path.write_text(json.dumps(own, indent=1) + "\n")
        return
    old = json.loads(path.read_text())
    for key, value in own.items():
        if old.get(key) != value:
            raise RunError(f"{path}: the comparison there has {key} {old.get(key)!r}, not {value!r}; choose another folder with --out")


def control_rows(ground: Ground) -> list[dict]:
    """Rows of the controls, and of published networks where their scores are known."""
    numbers: dict[str, dict] = {}
    for title, path in ground.tests.items():
        pairs = read_pairs(path)
        mirna_codes, target_codes = encode_pairs(pairs["mirna"], pairs["target"], _LAYOUT)
        scores = control_scores(pairs, mirna_codes, target_codes, read_pairs(ground.pools["given"]))
        for name, values in {**scores, **{f"published: {other}": values for other, values in ground.others.items()}}.items():
            numbers.setdefault(name, {})[title] = measure(pairs, values)
    return [
        {"method": f"*{name}*", "ground": ground.name, "seed": 0, "pairs": 0, "minutes": 0.0, "scores": scores}
        for name, scores in numbers.items()
    ]


def _first_score(row: dict) -> str:
    title, score = next(iter(row["scores"].items()))
    return f"average precision {score['average_precision']:.3f} on {title}, {row['minutes']:.1f} min"


_POOLS = {
    "chimeras": "{positives} of CLASH 2013 train with {settings.pool_ratio} negatives each by other miRNAs (pool), "
    "{settings.train_ratio} of them drawn where nothing else is said",
    "clip": "{positives} of ENCORI's chromosome 1 with 20 negatives each (pool), and what the method says of them; tested on a third "
    "of the miRNA families",
}
_OTHERS = {"chimeras": "sites", "clip": "miRNA families"}


def _about(ground: str, settings: BenchmarkSettings) -> str:
    """What the rows of a ground are and how large."""
    positives = counted(settings.positives, "positive") if settings.positives else "all positives"
    source = "planted pairs, which show that every method runs and nothing more" if settings.quick else "the published sets"
    return (
        f"`{settings.architecture}` on {source}: {_POOLS[ground].format(positives=positives, settings=settings)}; "
        f"{counted(settings.epochs, 'epoch')} of 1 positive and {settings.train_ratio} negatives, or about as many pairs, for each; "
        f"{counted(settings.seeds, 'training')} a method. Average precision (lowest-highest) / AUROC within a miRNA; minutes of training, "
        f"with the networks that measured hardness. *Italic*: controls. Best weights by validation pairs of other {_OTHERS[ground]}."
    )

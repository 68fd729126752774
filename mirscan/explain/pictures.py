"""Effects as files: by position as a table and a box plot, by letter as a table and a heat map."""

from pathlib import Path

import numpy as np
import pyarrow.csv

from mirscan.explain.by_position import GRADIENTS, PositionEffects
from mirscan.explain.mutagenesis import mean_of_letters

_SEED_BLUE = "#0072B2"
_TITLES = {"mirna": "miRNA position", "target": "target base opposite miRNA position"}


def draw_boxes(effects: PositionEffects, path: Path) -> None:
    """A box a position and side."""
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, panels = new_figure(2, width=14)
    for panel, (side, letters, first) in zip(panels, effects.sides(), strict=True):
        shown = effects.shown(mean_of_letters(letters), first)
        panel.axvspan(1.5, 8.5, color=_SEED_BLUE, alpha=0.12, linewidth=0, label="seed, nt 2-8")
        panel.axhline(0, color="grey", linewidth=0.8)
        positions, boxes = [position for position, _ in shown], [values for _, values in shown]
        panel.boxplot(boxes, positions=positions, widths=0.6, showfliers=False, manage_ticks=False)
        panel.set(xlabel=_TITLES[side], ylabel=_measure(effects), title=f"{effects.model}: {_count(len(letters))}")
        panel.legend(frameon=False, loc="best")
    save_figure(figure, path)


def draw_heat_map(effects: PositionEffects, path: Path) -> None:
    """Mean effect of each letter (rows) at each position (columns); red weakens the score, blue strengthens it, white is nothing."""
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, panels = new_figure(2, width=14)
    means = [mean_of_letters(np.moveaxis(letters, 0, -1)) for _, letters, _ in effects.sides()]
    reach = max((float(np.nanmax(np.abs(mean))) for mean in means if np.isfinite(mean).any()), default=1.0)
    for panel, mean, (side, letters, first) in zip(panels, means, effects.sides(), strict=True):
        extent = (first - 0.5, first + mean.shape[0] - 0.5, 3.5, -0.5)
        image = panel.imshow(mean.T, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto", extent=extent, interpolation="nearest")
        panel.set(xlabel=_TITLES[side], title=f"{effects.model}: {_count(len(letters))}")
        panel.set_yticks(range(4), "ACGU")
        panel.axvline(1.5, color="grey", linewidth=0.8, linestyle=":")
        panel.axvline(8.5, color="grey", linewidth=0.8, linestyle=":")
    figure.colorbar(image, ax=list(panels), label=_measure(effects))
    save_figure(figure, path)


def _count(pairs: int) -> str:
    return f"{pairs:,} pair{'s' if pairs != 1 else ''}"


def _measure(effects: PositionEffects) -> str:
    return "added to the log odds" if effects.method == GRADIENTS else "change of the log odds"


def write_effects(effects: PositionEffects, folder: str | Path, picture: str = "png") -> tuple[Path, ...]:
    """Write by-position.tsv and by-letter.tsv, and both as pictures ("png" or "svg"), into `folder`; return their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"by-position.tsv": effects.table(), "by-letter.tsv": effects.letter_table()}
    for name, table in tables.items():
        pyarrow.csv.write_csv(table, folder / name, pyarrow.csv.WriteOptions(delimiter="\t", quoting_style="none"))
    pictures = {f"by-position.{picture}": draw_boxes, f"by-letter.{picture}": draw_heat_map}
    for name, draw in pictures.items():
        draw(effects, folder / name)
    return tuple(folder / name for name in (*tables, *pictures))

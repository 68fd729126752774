"""An evaluation of predicted repression as a table on the terminal, and cumulative fold changes as pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirscan.evaluation.curves import new_figure, save_figure
from mirscan.evaluation.gene_sites import GeneSites
from mirscan.evaluation.gene_task import GeneEvaluation, Predictions
from mirscan.evaluation.report import new_console, new_table, print_table
from mirscan.genes.site_features import KINDS
from mirscan.notices import counted
from mirscan.sequence.coding import THREE_UTR

# Groups of genes by their strongest site in the 3'UTR, as the field draws them.
_GROUPS = {"8mer": ("8mer",), "7mer": ("7mer-m8", "7mer-A1"), "no site": ()}
_SHOWN = 0.02  # fold changes beyond this share on either side are not drawn


def print_gene_evaluation(evaluation: GeneEvaluation) -> None:
    """Print a table a study: r2 and Spearman with intervals, AUROC and AP of repressed genes."""
    console = new_console()
    for study, (n_experiments, n_genes) in evaluation.studies.items():
        table = new_table(f"{study}, {counted(n_experiments, 'experiment')}, {counted(n_genes, 'gene')}")
        for heading in ("r2 pooled", "Spearman, median", "AUROC", "AP"):
            table.add_column(heading, justify="right", no_wrap=True)
        for score in (score for score in evaluation.scores if score.study == study):
            cells = [f"{value.value:.3f} ({value.low:.3f}-{value.high:.3f})" for value in (score.r2, score.spearman)]
            cells += [f"{score.auroc:.3f}", f"{score.average_precision:.3f}"]
            table.add_row(score.predictor, *cells, style="dim" if score.is_control else None)
        print_table(console, table)
    for warning in evaluation.warnings:
        console.print(f"note: {warning}", highlight=False)


def draw_gene_curves(sites: GeneSites, predictions: Predictions, folder: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Cumulative fold changes of each study's genes, by their strongest 3'UTR site and by decile of the prediction; the files."""
    studies = list(dict.fromkeys(experiment.study for experiment in sites.experiments))
    figure, panels = new_figure(2 * len(studies), width=7.2 * len(studies))
    strongest = _strongest_sites(sites)
    for place, study in enumerate(studies):
        numbers = [number for number, experiment in enumerate(sites.experiments) if experiment.study == study]
        changes = np.concatenate([sites.experiments[number].change for number in numbers])
        kinds = np.concatenate([strongest[number] for number in numbers])
        groups = {name: changes[np.isin(kinds, [KINDS.index(kind) for kind in rules])] for name, rules in _GROUPS.items() if rules}
        groups["no site"] = changes[kinds < 0]
        _draw(panels[2 * place], groups, f"{study}: strongest 3'UTR site", None)
        strength = np.concatenate([predictions[number] for number in numbers])
        _draw(panels[2 * place + 1], _deciles(changes, strength), f"{study}: predicted repression", "viridis")
    paths = [Path(folder) / f"genes-curves.{suffix}" for suffix in formats]
    for path in paths:
        save_figure(figure, path)
    return paths


def _draw(panel, groups: dict[str, np.ndarray], title: str, colours: str | None) -> None:
    everything = np.concatenate(list(groups.values()))
    low, high = np.quantile(everything, [_SHOWN, 1 - _SHOWN])
    if colours:
        from matplotlib import colormaps

        panel.set_prop_cycle(color=colormaps[colours](np.linspace(0, 0.9, len(groups))))
    for name, values in groups.items():
        if len(values):
            panel.plot(np.sort(values), (np.arange(len(values)) + 1) / len(values), linewidth=1.2, label=f"{name} ({len(values):,})")
    panel.set(title=title, xlabel="log2 fold change", ylabel="share of genes", xlim=(low, high), ylim=(0, 1))
    panel.legend(frameon=False, fontsize=6)


def _deciles(changes: np.ndarray, strength: np.ndarray) -> dict[str, np.ndarray]:
    """Tenths of the genes with a prediction, the strongest first, and those without."""
    has_one = strength > 0
    parts = np.array_split(changes[has_one][np.argsort(-strength[has_one], kind="stable")], 10)
    return {f"{10 * number}-{10 * number + 10} %": part for number, part in enumerate(parts)} | {"no site": changes[~has_one]}


def _strongest_sites(sites: GeneSites) -> list[np.ndarray]:
    """By experiment, the index in KINDS of the strongest 3'UTR site of each gene, -1 for none."""
    places, genes = sites.places, sites.names.gene_of_transcript
    in_utr = np.flatnonzero(sites.features.regions(places) == THREE_UTR)
    table = np.full((len(sites.mirnas), int(genes.max()) + 1), len(KINDS))
    np.minimum.at(table, (places.mirna[in_utr], genes[places.transcript[in_utr]]), places.seed[in_utr])
    table[table == len(KINDS)] = -1
    numbers = {name: number for number, name in enumerate(sites.mirnas.names)}
    return [table[numbers[experiment.guide.guide], experiment.gene] for experiment in sites.experiments]

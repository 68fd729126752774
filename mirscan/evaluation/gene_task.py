"""Predicted repression against measured fold changes: shipped and refitted models beside controls, study by study."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from mirscan.evaluation.evaluate import without_nan
from mirscan.evaluation.gene_sites import GeneSites
from mirscan.evaluation.metrics import Estimate, auroc, average_precision
from mirscan.expression.studies import Experiment
from mirscan.genes.aggregation import Repression
from mirscan.genes.repression import Form, RepressionModel
from mirscan.genes.site_features import KINDS
from mirscan.sequence.coding import THREE_UTR

# A gene counts as repressed below this log2 fold change, with this false discovery rate where one is given.
REPRESSED, MOST_FDR = -0.5, 0.05
# Mean log2 repression by a site of each type (Grimson 2007), as counts have long been weighted.
TYPE_WEIGHTS = {"8mer": 0.31, "7mer-m8": 0.16, "7mer-A1": 0.10, "6mer": 0.02}
WEIGHTED_COUNT, UTR_LENGTH, MIRNA_ONLY, COMBINED, SCORE_SUM = (
    "weighted count",
    "UTR length",
    "miRNA only",
    "combined score",
    "sum of scores",
)
# Difference of mean fold changes from which 8mer genes of a transfection are said to rise.
_RISE = 0.05

# By experiment, predicted strength (genes,), greater is more repressed.
Predictions = list[np.ndarray]
# A form for each experiment: what a protocol of leaving out gives.
FormsOf = Callable[[Sequence[Experiment]], list[Form]]


@dataclass(frozen=True)
class StudyScore:
    """One predictor on one study: `r2` and `spearman` pooled and as median over its experiments, with bootstrap intervals over genes;
    `auroc`, `average_precision` of repressed genes, pooled; `by_experiment` (name, r2, Spearman).
    """

    predictor: str
    study: str
    is_control: bool
    r2: Estimate
    spearman: Estimate
    auroc: float
    average_precision: float
    by_experiment: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class GeneEvaluation:
    """Every predictor on every study, how many experiments and genes each has, and what was suspicious."""

    studies: dict[str, tuple[int, int]]
    scores: tuple[StudyScore, ...]
    warnings: tuple[str, ...]
    notices: dict


def evaluate_genes(
    sites: GeneSites,
    models: Sequence[RepressionModel],
    protocols: dict[str, FormsOf],
    folds: int = 200,
    seed: int = 1,
    notices: dict | None = None,
) -> GeneEvaluation:
    """Predict the experiments of `sites` by models as they are, by forms that `protocols` fit without them, and by controls."""
    found = {
        model.name: predict(sites, [model.choose(sites.coding is not None, sites.sources)] * len(sites.experiments)) for model in models
    }
    found |= {name: predict(sites, fit(sites.experiments)) for name, fit in protocols.items()}
    controls = control_predictions(sites)
    scores = [
        _measure(name, study, numbers, predictions, sites.experiments, name in controls, folds, seed)
        for study, numbers in _by_study(sites.experiments)
        for name, predictions in (found | controls).items()
    ]
    studies = {study: (len(numbers), len(sites.experiments[numbers[0]].gene)) for study, numbers in _by_study(sites.experiments)}
    return GeneEvaluation(studies, tuple(scores), tuple(find_suspicions(sites)), notices or {})


def predict(sites: GeneSites, forms: Sequence[Form]) -> Predictions:
    """Predicted repression of each experiment's genes by the form for that experiment, through the code of a scan."""
    predictions: Predictions = [np.empty(0)] * len(forms)
    numbers = {name: number for number, name in enumerate(sites.mirnas.names)}
    distinct = list({id(form): form for form in forms}.values())
    for form in distinct:
        genes = sites.aggregate(Repression(form, sites.features))
        table = _matrix(sites, genes, -genes["predicted_log2fc"].to_numpy())
        for place, experiment in enumerate(sites.experiments):
            if forms[place] is form:
                predictions[place] = table[numbers[experiment.guide.guide], experiment.gene]
    return predictions


def control_predictions(sites: GeneSites) -> dict[str, Predictions]:
    """What is known without a model: site counts, the length of the 3'UTR, how strongly the miRNA represses at all; and plain scores."""
    genes = sites.names.gene_of_transcript
    n_genes = int(genes.max()) + 1
    lengths = np.zeros(n_genes)
    np.maximum.at(lengths, genes, sites.transcriptome.lengths - (0 if sites.coding is None else sites.coding.end))
    weights = np.array([TYPE_WEIGHTS.get(kind, 0.0) for kind in KINDS])
    places = sites.places
    in_utr = sites.features.regions(places) == THREE_UTR if sites.coding is not None else np.ones(len(places.start), bool)
    tables = {WEIGHTED_COUNT: _sums(sites, weights[places.seed] * in_utr)}
    if sites.is_scored:
        aggregated = sites.aggregate(None)
        tables[COMBINED] = _matrix(sites, aggregated, aggregated["combined_score"].to_numpy())
        tables[SCORE_SUM] = _sums(sites, places.score.astype(np.float64))
    numbers = {name: number for number, name in enumerate(sites.mirnas.names)}
    found = {name: [table[numbers[e.guide.guide], e.gene] for e in sites.experiments] for name, table in tables.items()}
    found[UTR_LENGTH] = [np.log(np.maximum(lengths[e.gene], 1)) for e in sites.experiments]
    found[MIRNA_ONLY] = [np.full(len(e.gene), is_repressed(e).mean()) for e in sites.experiments]
    return found


def is_repressed(experiment: Experiment) -> np.ndarray:
    """Whether each gene (n,) goes down by more than `REPRESSED`, and surely so where rates of false discovery are known."""
    is_down = experiment.change < REPRESSED
    return is_down if experiment.fdr is None else is_down & (experiment.fdr < MOST_FDR)


def _sums(sites: GeneSites, weights: np.ndarray) -> np.ndarray:
    """(miRNAs, genes) sums of `weights` (n,) over the sites of that isoform of a gene that has the greatest."""
    places, n_transcripts = sites.places, len(sites.transcriptome)
    keys = places.mirna.astype(np.int64) * n_transcripts + places.transcript
    by_transcript = np.bincount(keys, weights, len(sites.mirnas) * n_transcripts).reshape(len(sites.mirnas), n_transcripts)
    genes = sites.names.gene_of_transcript
    return np.maximum.reduceat(by_transcript, np.flatnonzero(np.diff(genes, prepend=-1)), axis=1)


def _matrix(sites: GeneSites, genes, values: np.ndarray) -> np.ndarray:
    """(miRNAs, genes) of the values (n,) of GENES rows; 0 where a gene has no site."""
    table = np.zeros((len(sites.mirnas), int(sites.names.gene_of_transcript.max()) + 1))
    table[genes["mirna"].indices.to_numpy(), genes["gene"].indices.to_numpy()] = values
    return table


def _by_study(experiments: Sequence[Experiment]) -> list[tuple[str, list[int]]]:
    pairs = groupby(enumerate(experiments), key=lambda pair: pair[1].study)
    return [(study, [number for number, _ in group]) for study, group in pairs]


def _measure(name, study, numbers, predictions, experiments, is_control, folds, seed) -> StudyScore:
    chosen = [(experiments[number], predictions[number]) for number in numbers]
    labels, strengths = np.concatenate([is_repressed(e) for e, _ in chosen]), np.concatenate([p for _, p in chosen])
    pooled = _Correlations([(e.gene, -e.change, p) for e, p in chosen])
    ranked = _Correlations([(e.gene, _ranks(-e.change), _ranks(p)) for e, p in chosen])
    draws = pooled.draws(folds, seed)
    return StudyScore(
        predictor=name,
        study=study,
        is_control=is_control,
        r2=_estimate(pooled.pooled(pooled.once) ** 2, [pooled.pooled(draw) ** 2 for draw in draws]),
        spearman=_estimate(np.median(ranked.each(pooled.once)), [np.median(ranked.each(draw)) for draw in draws]),
        auroc=auroc(labels, strengths),
        average_precision=average_precision(labels, strengths),
        by_experiment=tuple(
            (e.name, float(r) ** 2, float(rho))
            for (e, _), r, rho in zip(chosen, pooled.each(pooled.once), ranked.each(pooled.once), strict=True)
        ),
    )


class _Correlations:
    """Pearson correlations of (gene, x, y) sets, pooled and each, for genes drawn so many times: sums by gene are made once."""

    def __init__(self, sets):
        n_genes = max(int(gene.max()) for gene, _, _ in sets) + 1
        self.once = np.ones(n_genes)
        self._is_used = np.zeros(n_genes, bool)
        self._moments = []
        for gene, x, y in sets:
            self._is_used[gene] = True
            columns = np.zeros((6, n_genes))
            columns[:, gene] = np.ones(len(gene)), x, y, x * x, y * y, x * y
            self._moments.append(columns)
        self._all = np.sum(self._moments, axis=0)

    def draws(self, folds: int, seed: int) -> list[np.ndarray]:
        """How often each gene (genes,) is drawn in samples with replacement; all experiments of a gene come along."""
        random, used = np.random.default_rng(seed), np.flatnonzero(self._is_used)
        return [np.bincount(used[random.integers(0, len(used), len(used))], minlength=len(self.once)).astype(float) for _ in range(folds)]

    def pooled(self, counts: np.ndarray) -> float:
        return _pearson(self._all @ counts)

    def each(self, counts: np.ndarray) -> np.ndarray:
        return np.array([_pearson(moments @ counts) for moments in self._moments])


def _pearson(sums: np.ndarray) -> float:
    n, x, y, xx, yy, xy = sums
    spread = max(xx - x * x / n, 0) * max(yy - y * y / n, 0)
    return (xy - x * y / n) / np.sqrt(spread) if spread > 1e-12 else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks (n,), equals with their mean; in samples of a bootstrap they stay as they are."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _estimate(value: float, drawn: list[float]) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (value, value)
    return Estimate(float(value), float(low), float(high))


def find_suspicions(sites: GeneSites) -> list[str]:
    """Transfections in which the genes with an 8mer in their 3'UTR rise."""
    counts = _sums(sites, (sites.places.seed == KINDS.index("8mer")).astype(float))
    numbers = {name: number for number, name in enumerate(sites.mirnas.names)}
    said = []
    for experiment in sites.experiments:
        has_site = counts[numbers[experiment.guide.guide], experiment.gene] > 0
        rise = experiment.change[has_site].mean() - experiment.change[~has_site].mean() if has_site.any() else 0.0
        if rise > _RISE:
            said.append(
                f"{experiment.study} {experiment.name}: genes with an 8mer rise by {rise:.2f}; is the sign turned, or the guide wrong?"
            )
    return said


def write_gene_evaluation(evaluation: GeneEvaluation, folder: str | Path) -> None:
    """genes-evaluation.json in `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "genes-evaluation.json").write_text(json.dumps(without_nan(asdict(evaluation)), indent=1) + "\n")

"""The repression model against its formula written out, and fits against weights that are known."""

import math

import numpy as np
import pyarrow as pa
import pytest

from mirscan.errors import InputError, ModelError
from mirscan.genes import aggregate_genes
from mirscan.genes.aggregation import GeneAggregator, Repression, name_genes
from mirscan.genes.fitting import Change, fit_form, gather_training_sites
from mirscan.genes.methods import FOOTPRINT, METHODS, find_method, surprise_in_scan
from mirscan.genes.repression import Form, RepressionModel, Source, read_repression_model, write_repression_model
from mirscan.genes.site_features import KINDS, Places, SiteFeatures
from mirscan.search.candidates import find_candidates
from mirscan.sequence.coding import CodingRegions, whole_as_utr
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences

MIRNAS = mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
SITE = "CTACCTCA"


def random_letters(n: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))


def mrna(sites: list[int], n: int = 2000, seed: int = 1) -> str:
    letters = list(random_letters(n, seed).replace("TACCTC", "TACGTC"))
    for start in sites:
        letters[start : start + len(SITE)] = SITE
    return "".join(letters)


def places_of(transcriptome, mirnas=MIRNAS) -> Places:
    found = find_candidates(transcriptome, mirnas, seeds=KINDS).combine_chunks()
    index = [found[name].combine_chunks().indices.to_numpy() for name in ("transcript", "mirna", "seed")]
    score = np.full(len(found), 0.5, np.float32)
    return Places(index[0], index[1], found["start"].to_numpy(), found["end"].to_numpy(), index[2], score)


FORM = Form(
    name="test",
    needs_coding=True,
    scale=0.5,
    intercepts={"cds": {"8mer": -2.0}, "3utr": {"8mer": -0.5, "7mer-m8": -1.0}},
    weights={"cds": {"stop_distance": -0.5}, "3utr": {"mrna_length": -1.0, "end_distance": -0.25}},
)


def test_effects__equal_the_formula():
    transcriptome = transcriptome_from_sequences(["t"], [mrna([200, 900, 1500])])
    features = SiteFeatures(transcriptome, CodingRegions(np.array([100]), np.array([1000]), transcriptome.lengths), MIRNAS.codes, KINDS)
    places = Places(
        *(np.array(column) for column in ([0] * 4, [0] * 4, [50, 200, 900, 1500], [58, 208, 908, 1508], [0, 0, 1, 0], [0.5] * 4))
    )
    effects = FORM.effects(features, places)
    in_utr = math.exp(-0.5 - math.log10(2000 / 3000) - 0.25 * math.log10(492 / 300))
    in_cds = math.exp(-2 - 0.5 * math.log10(800 / 300))
    # Nothing is known of 5'UTRs here, nor of 7mers in coding sequences.
    assert effects == pytest.approx([0, in_cds, 0, in_utr], rel=1e-5)
    assert FORM.fold_changes(np.array([0.0, in_utr])) == pytest.approx([0, -0.5 * math.log(1 + in_utr)])


def test_effects__of_a_repeat_of_few_letters_are_shared():
    transcriptome = transcriptome_from_sequences(["t"], ["GT" * 200 + mrna([300])])
    features = SiteFeatures(transcriptome, whole_as_utr(transcriptome.lengths), MIRNAS.codes, KINDS)
    places = Places(*(np.array(column) for column in ([0, 0], [0, 0], [200, 700], [208, 708], [0, 0], [0.5, 0.5])))
    # 64 letters hold 62 triplets, half of them GTG and half TGT: two times 31 x 30 / 2 couples, by 61.
    assert features.uniqueness(places) == pytest.approx([2 / (930 / 61), 1], rel=1e-5)


def test_aggregate_genes__prediction_is_the_formula_over_the_sites_that_fit():
    starts = [500, 504, 520, 1500]
    transcriptome = transcriptome_from_sequences(["t"], [mrna(starts)])
    names = name_genes(transcriptome.names, transcriptome.genes, transcriptome.symbols, pa.array(MIRNAS.names), KINDS)
    features = SiteFeatures(transcriptome, whole_as_utr(transcriptome.lengths), MIRNAS.codes, KINDS)
    form = Form("flat", False, 0.5, {"3utr": {"8mer": 0.0, "7mer-m8": -1.0, "7mer-A1": -1.0, "6mer": -1.0}}, {})
    places = places_of(transcriptome)
    aggregator = GeneAggregator(names, is_scored=False, repression=Repression(form, features))
    rows = pa.Table.from_batches([aggregator.add(*places), aggregator.finish()]).to_pylist()
    effects = form.effects(features, places)
    best = max(
        sum(effects[list(chosen)])
        for bits in range(1 << len(effects))
        if all(
            b - a >= FOOTPRINT
            for a, b in zip(*(sorted(places.start[[i for i in range(len(effects)) if bits >> i & 1]])[k:] for k in (0, 1)), strict=False)
        )
        for chosen in [[i for i in range(len(effects)) if bits >> i & 1]]
        if chosen
    )
    assert rows[0]["predicted_log2fc"] == pytest.approx(-0.5 * math.log1p(best), rel=1e-6)


def test_aggregate_genes__the_isoform_with_the_strongest_prediction_speaks():
    transcriptome = transcriptome_from_sequences(["long", "short"], [mrna([300, 1000], 6000), mrna([300], 400)], genes=["g", "g"])
    sites = scored(transcriptome)
    row = aggregate_genes(sites, transcriptome, MIRNAS).to_pylist()[0]
    assert row["transcript"] == "short"
    assert (row["rank"], row["percentile"]) == (1, 100.0)


def test_aggregate_genes__counts_by_region():
    transcriptome = transcriptome_from_sequences(["t"], [mrna([20, 300, 700, 1500])])
    coding = CodingRegions(np.array([100]), np.array([1000]), transcriptome.lengths)
    row = aggregate_genes(scored(transcriptome), transcriptome, MIRNAS, coding).to_pylist()[0]
    assert (row["n_5utr"], row["n_cds"], row["n_3utr"]) == (1, 2, 1)


def test_aggregate_genes__foreign_transcripts_are_refused():
    transcriptome = transcriptome_from_sequences(["t"], [mrna([20])])
    other = transcriptome_from_sequences(["u"], [mrna([20])])
    with pytest.raises(InputError, match="transcript 't' of the sites is not among the 1 given"):
        aggregate_genes(scored(transcriptome), other, MIRNAS)


def scored(transcriptome) -> pa.Table:
    from mirscan.scoring import score_candidates

    return score_candidates(find_candidates(transcriptome, MIRNAS), transcriptome, MIRNAS, model="duplex")


def test_choose__form_by_coding_sequences_and_score():
    base, again, track = Source("base", "1"), Source("base", "2"), Source("phylop.bw", "3")
    forms = tuple(
        Form(f"{coding}{'-'.join(reads)}", coding, 1, {}, {}, reads)
        for coding in (False, True)
        for reads in ({}, {"log_odds": base}, {"log_odds": base, "conservation": track})
    )
    model = RepressionModel("m", "", forms)
    known = {"": {}, "base": {"log_odds": base}, "again": {"log_odds": again}, "both": {"log_odds": base, "conservation": track}}
    chosen = {name: model.choose(False, sources).name for name, sources in known.items()}
    assert chosen == {"": "False", "base": "Falselog_odds", "again": "False", "both": "Falselog_odds-conservation"}
    assert model.choose(True, known["base"]).name == "Truelog_odds"
    assert model.describe_unread(False, known["both"]) == ()
    assert model.describe_unread(False, known["again"]) == (
        "repression model 'm' predicts by its form 'False'; 'Falselog_odds-conservation' reads scores of --model base, "
        "and base is another file by its checksum; --conservation phylop.bw, which is not given",
    )
    with pytest.raises(ModelError, match="no form for 3'UTRs that reads neither a score nor conservation"):
        RepressionModel("m", "", forms[1:3]).choose(False, {})


def test_repression_model__file_gives_back_what_was_written(tmp_path):
    model = RepressionModel("mine", "words", (FORM,), training={"S": {"genes": 3}})
    assert read_repression_model(write_repression_model(model, tmp_path)) == model
    assert read_repression_model(tmp_path) == model


def test_repression_model__shipped_one_has_every_form():
    model = read_repression_model()
    assert {form.needs_coding for form in model.forms if not form.reads} == {True, False}
    for form in model.forms:
        strengths = [form.intercepts["3utr"][kind] for kind in ("8mer", "7mer-m8", "7mer-A1", "6mer")]
        assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"3utr"', '"tail"'), "not valid TOML|has 'tail'"),
        (("8mer = ", "9mer = "), "has '9mer'; known are"),
        (("format = 2", "format = 1"), "another version"),
        (("scale = ", "sclae = "), "not a repression model"),
        (("scale = ", "scale = nan #"), r"not valid TOML \(found nan; expected a number\)"),
        (("8mer = ", "8mer = -inf #"), r"not valid TOML \(found -inf; expected a number\)"),
        (("end_distance = ", "log_odds = "), "form 'test' has log_odds in its weights or in reads alone"),
    ],
)
def test_repression_model__damaged_files_are_one_sentence(tmp_path, change, message):
    path = write_repression_model(RepressionModel("mine", "", (FORM,)), tmp_path)
    text = path.read_text()
    path.write_text(text.replace(change[0].strip('"'), change[1].strip('"')))
    with pytest.raises(ModelError, match=message):
        read_repression_model(path)


def test_repression_model__unknown_name_lists_the_known():
    with pytest.raises(ModelError, match=r"known: .*repression"):
        read_repression_model("nothing")


def test_fit__finds_the_weights_that_made_the_changes():
    rng = np.random.default_rng(2)
    sequences = [mrna(sorted(rng.integers(100, length - 100, rng.integers(0, 5)).tolist()), length, seed)
                 for seed, length in enumerate(rng.integers(400, 3000, 800).tolist())]  # fmt: skip
    transcriptome = transcriptome_from_sequences([f"t{number}" for number in range(800)], sequences)
    features = SiteFeatures(transcriptome, whole_as_utr(transcriptome.lengths), MIRNAS.codes, KINDS)
    places = places_of(transcriptome)
    names = {"3utr": ("local_au", "mrna_length")}
    weak = dict.fromkeys(KINDS, -4.0)
    true = Form("true", False, 1.0, {"3utr": {**weak, "8mer": -0.3}}, {"3utr": {"local_au": 2.0, "mrna_length": -1.0}})
    totals = np.bincount(places.transcript, true.effects(features, places), 800)
    change = Change(0, np.arange(800), 0.6 * true.fold_changes(totals) + rng.normal(0, 0.01, 800))
    sites = gather_training_sites(features, places, places.transcript, [change], names)
    fit = fit_form("fit", sites, [change], names)
    assert fit.form.intercepts["3utr"]["8mer"] == pytest.approx(-0.3, abs=0.15)
    assert fit.form.weights["3utr"] == pytest.approx({"local_au": 2.0, "mrna_length": -1.0}, abs=0.15)
    assert fit.scales == pytest.approx([0.6], abs=0.06)
    assert not fit.form.needs_coding


def test_fit__gradient_equals_differences():
    from mirscan.genes.fitting import _keys_of, _Problem, _weight_table

    transcriptome = transcriptome_from_sequences(
        [f"t{k}" for k in range(60)], [mrna([200, 700, 1200][: k % 4], 1500, k) for k in range(60)]
    )
    coding = CodingRegions(np.full(60, 100), np.full(60, 800), transcriptome.lengths)
    mirnas = mirnas_from_sequences(["let-7", "other"], ["UGAGGUAGUAGGUUGUAUAGUU", "UACCGUAGUAGGUUGUAUAGUU"])
    features = SiteFeatures(transcriptome, coding, mirnas.codes, KINDS)
    places = places_of(transcriptome, mirnas)
    names = {
        "3utr": ("local_au", "end_distance", "supplementary", "target_abundance"),
        "cds": ("stop_distance", "target_abundance"),
        "5utr": (),
    }
    genes = [np.arange(60), np.arange(60), np.arange(7, 60)]
    changes = [
        Change(k % 2, gene, np.random.default_rng(k).normal(0, 1, len(gene)), passenger=1 - k % 2, against="set" if k < 2 else "")
        for k, gene in enumerate(genes)
    ]
    keys = _keys_of(names)
    assert len(keys) == 5
    sites = gather_training_sites(features, places, places.transcript, changes, names)
    assert 0 < sites.is_passenger.sum() < len(sites.kind)
    problem = _Problem(sites, changes, _weight_table(names, keys), len(keys))
    start = problem.start + np.random.default_rng(3).normal(0, 0.2, len(problem.start))
    _, gradient = problem.loss(start)
    for number in range(len(start)):
        step = np.zeros(len(start))
        step[number] = 1e-5
        difference = (problem.loss(start + step)[0] - problem.loss(start - step)[0]) / 2e-5
        assert gradient[number] == pytest.approx(difference, abs=1e-6)


def test_methods__turn_sums_into_strengths():
    scores = np.array([0.5, 0.9])
    noisy = METHODS["noisy-or"]
    odds = np.array([1, 9]) * 0.005 / 0.995
    expected = odds / (1 + odds)
    assert 1 - np.exp(-surprise_in_scan(scores)) == pytest.approx(expected)
    assert surprise_in_scan(np.array([1.0])) == np.inf
    assert noisy.settle(noisy.weigh(scores).sum(), None) == pytest.approx(1 - np.prod(1 - expected))
    assert METHODS["sum"].settle(METHODS["sum"].weigh(scores).sum(), None) == pytest.approx(1.4)
    assert METHODS["best"].settle(1.4, 0.9) == 0.9
    with pytest.raises(InputError, match="gene method 'mean': unknown; expected one of repression, sum"):
        find_method("mean")

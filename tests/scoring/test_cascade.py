from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError, ModelError
from mirscan.scoring import cascade as cascade_module
from mirscan.scoring import choose_prefilter_threshold, load_scorer
from mirscan.scoring.cascade import make_cascade
from mirscan.scoring.scorer import Scorer
from mirscan.scoring.thresholds import draw_windows
from mirscan.search.candidates import find_candidates
from mirscan.sequence.alphabet import decode
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from mirscan.trained_models import Card, TrainedModel, read_card, write_model

from .conftest import LAYOUT


class _LetterEngine:
    """Score = share of the letters `letter` in the window."""

    def __init__(self, letter):
        self.letter, self.n_scored = letter, 0

    def score(self, mirnas, index, targets):
        self.n_scored += len(index)
        return (targets == self.letter).mean(axis=1).astype(np.float32)

    def describe(self):
        return {"engine": f"letter {self.letter}"}


def _scorer(name, letter, **card):
    return Scorer(Card(name, "", "test", LAYOUT, **card), _LetterEngine(letter))


def _share(targets, letter):
    return (targets == letter).mean(axis=1).astype(np.float32)


def test_cascade__cut_pairs_are_nan_and_never_reach_the_model(pairs, monkeypatch):
    monkeypatch.setattr(cascade_module, "AUDIT_EVERY", 1 << 30)
    final = _scorer("model", 1)
    cascade = make_cascade(_scorer("first", 0), final, threshold=0.24)
    scores = cascade.score(*pairs)
    survives = _share(pairs[1], 0) >= 0.24
    assert 100 < survives.sum() < 500
    np.testing.assert_array_equal(np.isnan(scores), ~survives)
    np.testing.assert_allclose(scores[survives], _share(pairs[1], 1)[survives])
    # the audit looks at one of the cut pairs at least
    assert final.engine.n_scored == cascade.counts.survivors + 1
    assert cascade.counts.survivors + cascade.counts.cut == cascade.counts.computed < cascade.counts.pairs == 600


def test_cascade__audit_estimates_the_loss_without_changing_a_score(pairs, monkeypatch):
    expected = make_cascade(_scorer("first", 0), _scorer("model", 1), threshold=0.24).score(*pairs)
    monkeypatch.setattr(cascade_module, "AUDIT_EVERY", 1)
    cascade = make_cascade(_scorer("first", 0), _scorer("model", 1, thresholds={"report": 0.25}), threshold=0.24)
    np.testing.assert_array_equal(cascade.score(*pairs), expected)
    distinct = np.unique(np.hstack(pairs), axis=0)[:, 24:]
    would_report = _share(distinct, 1) >= 0.25
    is_cut = _share(distinct, 0) < np.float32(0.24)
    summary = cascade.counts.summary()
    assert summary["audited"] == summary["cut"] == is_cut.sum()
    assert summary["lost_estimate"] == (would_report & is_cut).sum() > 0
    assert summary["reported"] == (would_report & ~is_cut).sum()
    assert summary["lost_share"] == pytest.approx((would_report & is_cut).sum() / would_report.sum(), abs=1e-4)


def test_cascade__describes_both_stages(pairs):
    described = make_cascade(_scorer("first", 0), _scorer("model", 1), threshold=0.3).describe()
    assert described["model"] == "model"
    assert described["prefilter"] == {"model": "first", "sha256": "", "engine": "letter 0", "threshold": 0.3}


def test_make_cascade__threshold_comes_from_the_card():
    assert make_cascade(_scorer("first", 0), _scorer("model", 1, prefilter={"first": 0.125})).threshold == 0.125
    with pytest.raises(ModelError, match=r"model 'model' has no threshold for prefilter 'first' in its card \(it has: fast\)"):
        make_cascade(_scorer("first", 0), _scorer("model", 1, prefilter={"fast": 0.1}))


def test_make_cascade__windows_cut_differently_are_refused():
    first = _scorer("first", 0)
    other = Scorer(replace(first.card, layout=replace(LAYOUT, anchor=20)), first.engine)
    with pytest.raises(ModelError, match="they must agree"):
        make_cascade(other, _scorer("model", 1), threshold=0.1)


def test_load_scorer__duplex_prefilter_takes_the_layout_of_the_model(make_model, pairs):
    model = make_model()
    card = replace(model.card, prefilter={"duplex": 0.2})
    cascade = load_scorer(TrainedModel(card, model.network, None), precision="float32", prefilter="duplex")
    scores = cascade.score(*pairs)
    energies = load_scorer("duplex").score(*pairs)
    np.testing.assert_array_equal(np.isnan(scores), energies < np.float32(0.2))
    survives = ~np.isnan(scores)
    np.testing.assert_array_equal(scores[survives], load_scorer(model, precision="float32").score(*pairs)[survives])


def _scores_of_two_stages(random, n):
    final = random.random(n)
    return np.clip(final + random.normal(0, 0.15, n), 0, 1), final


def test_choose_prefilter_threshold__loses_no_more_than_asked():
    first, final = _scores_of_two_stages(np.random.default_rng(1), 20_000)
    for max_loss in (0.01, 0.05):
        choice = choose_prefilter_threshold(first, final, report_from=0.8, max_loss=max_loss)
        is_reported = final >= 0.8
        lost = (first[is_reported] < choice.threshold).mean()
        assert lost == choice.lost <= max_loss
        assert lost > 0.6 * max_loss
        assert choice.survivors == (first >= choice.threshold).mean() < 0.7
        assert choice.n_reported == is_reported.sum()


def test_choose_prefilter_threshold__nor_on_pairs_it_has_not_seen():
    random = np.random.default_rng(2)
    first, final = _scores_of_two_stages(random, 2_000_000)
    thresholds = [choose_prefilter_threshold(*_scores_of_two_stages(random, 20_000), report_from=0.8).threshold for _ in range(100)]
    losses = np.array([(first[final >= 0.8] < threshold).mean() for threshold in thresholds])
    assert np.count_nonzero(losses <= 0.01) >= 95
    assert losses.mean() > 0.005


def test_choose_prefilter_threshold__ties_are_kept():
    first = np.repeat([0.2, 0.9], [400, 600])
    choice = choose_prefilter_threshold(first, np.ones(1000), report_from=0.5, max_loss=0.1)
    assert (choice.threshold, choice.lost) == (0.2, 0.0)


def test_choose_prefilter_threshold__too_few_reported_pairs_are_no_basis():
    with pytest.raises(InputError, match=r"10 of 100 pairs reach 0\.5; expected at least 200"):
        choose_prefilter_threshold(np.ones(100), np.repeat([0.1, 0.6], [90, 10]), report_from=0.5)


def test_draw_windows__about_as_many_as_asked_and_each_a_candidate():
    sequence = "".join(np.random.default_rng(3).choice(list("ACGT"), 60_000))
    transcriptome = transcriptome_from_sequences(["t"], [sequence])
    mirnas = mirnas_from_sequences(["let-7a", "miR-1"], ["UGAGGUAGUAGGUUGUAUAGUU", "UGGAAUGUAAAGAAGUAUGUAU"])
    every = find_candidates(transcriptome, mirnas)
    drawn = draw_windows(transcriptome, mirnas, LAYOUT, len(every) // 2)
    assert len(every) * 0.3 < len(drawn[0]) == len(drawn[1]) < len(every) * 0.7
    anchors = every["anchor"].to_numpy()
    windows = {sequence[max(0, at - LAYOUT.anchor) : at - LAYOUT.anchor + LAYOUT.length] for at in anchors}
    assert {decode(codes).strip("N") for codes in drawn[1]} <= windows


def test_store_prefilter_threshold__is_read_back_from_the_card(make_model, tmp_path):
    model = make_model()
    random = np.random.default_rng(9)
    letters = ["".join(random.choice(list("ACGU"), n)) for n in (80_000, *[22] * 20)]
    transcriptome = transcriptome_from_sequences(["t"], letters[:1])
    mirnas = mirnas_from_sequences([f"m{i}" for i in range(20)], letters[1:])
    card = replace(model.card, name="small", thresholds={"report": 0.0})
    write_model(tmp_path / "small", model.network, card, {}, {}, [(letters[1], letters[0][:50])])
    inputs = ["--mirnas", tmp_path / "m.fa", "--utrs", tmp_path / "u.fa"]
    (tmp_path / "u.fa").write_text(f">t\n{letters[0]}\n")
    (tmp_path / "m.fa").write_text("".join(f">m{i}\n{text}\n" for i, text in enumerate(letters[1:])))
    options = [str(word) for word in ("models", "prefilter", tmp_path / "small", "duplex", *inputs, "--windows", 600, "--max-loss", 0.2)]
    result = CliRunner().invoke(app, options, catch_exceptions=False)
    assert result.exit_code == 0
    threshold = read_card(tmp_path / "small").prefilter["duplex"]
    assert f"duplex before {tmp_path / 'small'}: {threshold:.4f}, which" in result.stdout
    cascade = load_scorer(tmp_path / "small", precision="float32", prefilter="duplex")
    cut = np.isnan(cascade.score(*draw_windows(transcriptome, mirnas, LAYOUT, 600))).mean()
    assert 0.1 < cut < 0.2

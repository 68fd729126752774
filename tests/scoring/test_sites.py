import numpy as np
import pyarrow as pa
import pytest

from mirscan.errors import InputError
from mirscan.scoring import load_scorer, score_candidates, score_pairs
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from mirscan.tables import SITES


@pytest.fixture(scope="module")
def small_scan():
    random = np.random.default_rng(6)
    letters = np.array(list("ACGT"))
    transcriptome = transcriptome_from_sequences(["t1", "t2"], ["".join(letters[random.integers(0, 4, n)]) for n in (40_000, 900)])
    mirnas = mirnas_from_sequences(["let-7a", "miR-1"], ["UGAGGUAGUAGGUUGUAUAGUU", "UGGAAUGUAAAGAAGUAUGUAU"])
    return find_candidates(transcriptome, mirnas, seeds=("canonical",)), transcriptome, mirnas


def test_score_candidates__one_row_a_candidate_in_order(small_scan, make_model):
    candidates, transcriptome, mirnas = small_scan
    sites = score_candidates(candidates, transcriptome, mirnas, model=make_model())
    assert len(sites) == len(candidates) > 10
    assert sites.column_names == list(SITES.names)
    for name in ("transcript", "mirna", "start", "end", "seed"):
        assert sites[name].to_pylist() == candidates[name].to_pylist()
    assert sites.schema.metadata[b"model"] == b"mirscan_fast"


def test_score_candidates__scores_the_window_it_names(small_scan, make_model):
    candidates, transcriptome, mirnas = small_scan
    scorer = load_scorer(make_model(), precision="float32")
    sites = score_candidates(candidates, transcriptome, mirnas, model=scorer).to_pylist()
    inner = next(site for site in sites if site["window_end"] - site["window_start"] == 50)
    from mirscan.sequence.alphabet import decode

    number = transcriptome.names.to_pylist().index(inner["transcript"])
    begin = transcriptome.begin[number]
    window = decode(transcriptome.codes[begin + inner["window_start"] : begin + inner["window_end"]])
    mirna = mirnas.sequence(mirnas.names.index(inner["mirna"]))
    assert score_pairs([mirna], [window], model=scorer)[0] == pytest.approx(inner["score"], abs=1e-6)


@pytest.mark.parametrize(
    ("mirnas", "targets", "said"),
    [
        ("UGAGGUAGUAGG", "ACGUACGU", "a single sequence; expected a list of miRNAs"),
        (["UGAGGUAGUAGG", None], ["ACGU", "ACGU"], "sequence 2: no letters"),
        (["UGAGGUAGUAGG"], [""], "sequence 1: no letters"),
        (["UGAGGJ"], ["ACGU"], "sequence 1: 'UGAGGJ'; expected only"),
    ],
)
def test_score_pairs__what_is_no_sequence_is_refused(make_model, mirnas, targets, said):
    with pytest.raises(InputError, match=said):
        score_pairs(mirnas, targets, model=make_model())


def test_score_candidates__no_candidates_give_an_empty_table(small_scan, make_model):
    candidates, transcriptome, mirnas = small_scan
    sites = score_candidates(candidates.slice(0, 0), transcriptome, mirnas, model=make_model())
    assert len(sites) == 0 and sites.schema.names == list(SITES.names)


def test_score_candidates__accepts_a_batch(small_scan, make_model):
    candidates, transcriptome, mirnas = small_scan
    batch = candidates.combine_chunks().to_batches()[0]
    expected = score_candidates(pa.Table.from_batches([batch]), transcriptome, mirnas, model=make_model())
    assert score_candidates(batch, transcriptome, mirnas, model=make_model()).equals(expected)


def test_score_pairs__duplex_needs_no_network_and_rises_with_pairing():
    mirna = "UGAGGUAGUAGGUUGUAUAGUU"
    perfect = "AACTATACAACCTACTACCTCA"
    scores = score_pairs([mirna] * 3, [perfect, "CTACCTCA", "AAAAAAAAAAAAAAAAAAAAAA"], model="duplex")
    assert scores[0] == pytest.approx(1.0, abs=0.05)
    assert 0.2 < scores[1] < 0.6
    assert scores[2] < 0.2
    assert scores.dtype == np.float32


def test_score_pairs__unequal_numbers_are_refused(make_model):
    with pytest.raises(InputError, match="2 miRNAs and 1 targets"):
        score_pairs(["UGAGGUAGUAGGUUGUAUAGUU"] * 2, ["ACGT"], model=make_model())

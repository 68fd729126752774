from pathlib import Path

import pytest

from mirscan.duplex import draw_duplex
from mirscan.errors import InputError

LET_7 = "UGAGGUAGUAGGUUGUAUAGUU"
PAIRS = (
    (LET_7, "CCAGACUAUACAACGUACUACCUCAUU"),
    (LET_7, "GACUAUACAAGCGCCUACUUACCUCA"),
    (LET_7, "TACTACCTCAATTTTTTTTT"),
    (LET_7, "ccccccctgtatagccccccccc"),
    ("CAUUAUUACUUUUGGUACGCG", "AAAGCTGTGGAACGCTACCTCTTCCTTTGAGACCTTGTGGAGAAGGGTCT"),
    ("AAAAA", "AAGCT"),
    ("AAAA", "GGNG"),
)


def test_drawing__golden():
    drawn = "\n\n".join(draw_duplex(*pair) for pair in PAIRS) + "\n"
    assert drawn == Path(__file__).with_name("drawings.txt").read_text()


def test_drawing__holds_the_whole_mirna_and_a_symbol_for_each_pair():
    top, symbols, bottom, energy = draw_duplex(*PAIRS[1]).splitlines()
    assert top.split("3' ")[1].split(" 5'")[0].replace("-", "")[::-1] == LET_7
    assert symbols.count("|") + symbols.count(":") == 22 and "22 pairs, 2 of them G:U" in energy
    for mirna_base, symbol, target_base in zip(top[14:], symbols[14:], bottom[14:], strict=False):
        assert (symbol == "|") == (mirna_base + target_base in ("AU", "UA", "CG", "GC"))


def test_drawing__refuses_other_letters():
    with pytest.raises(InputError, match="letter 'E'"):
        draw_duplex("UGAGE", "ACGU")

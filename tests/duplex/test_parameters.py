import RNA

from mirscan.duplex.parameters import PAIR_LETTERS, context_tables, loop_tables


def test_parameters__equal_viennarna_in_its_default_model():
    ours, theirs = loop_tables(), RNA.param()
    assert ours.bulge[1:].tolist() == list(theirs.bulge)[1:]
    assert ours.interior[2:].tolist() == list(theirs.internal_loop)[2:]
    assert ours.stack.tolist() == [list(row)[1:7] for row in theirs.stack[1:7]]
    assert ours.asymmetry[:7].tolist() == [0, 60, 120, 180, 240, 300, 300]


def test_parameters__tables_by_context_hold_the_published_stacks():
    # Xia 1998 / Turner 2004: 5'-GC-3' on 3'-CG-5' is -3.4, 5'-AU-3' on 3'-UA-5' is -1.1 kcal/mol.
    code = {letter: index for index, letter in enumerate("ACGU")}
    stack = context_tables().stack

    def energy(mirna, target):
        return stack[code[target[0]] * 5 + code[target[1]], code[mirna[0]] * 5 + code[mirna[1]]]

    assert energy("GC", "GC") == -340 and energy("AU", "AU") == -110 and energy("CG", "CG") == -240
    assert PAIR_LETTERS == ("CG", "GC", "GU", "UG", "AU", "UA")

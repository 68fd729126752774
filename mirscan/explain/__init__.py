"""Which nucleotides carry a score.

mutagenesis.py  every base of a pair replaced by every other: the change of the log odds
gradients.py    integrated gradients: what each base adds to the log odds
by_position.py  either over many pairs, by place along miRNA and target, and by letter; pictures.py writes and draws both
"""

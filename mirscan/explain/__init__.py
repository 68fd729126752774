"""Which nucleotides carry a score.

mutagenesis.py  every base of a pair replaced by every other: the change of the log odds
by_position.py  the same over many bound pairs, by place along miRNA and target: table and box plot
"""

"""Labelled pairs of a miRNA and a target site, as data.

read.py        files of pairs -> PAIRS table, whatever headings the study used
columns.py     its columns as arrays
clean.py       what a set must have; conflicts and duplicates
splits.py      train / validation by miRNA family, site cluster, chromosome, column or chance
leakage.py     what two sets share
seed_class.py  the strongest canonical match in a window
"""

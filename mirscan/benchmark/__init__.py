"""Methods of training side by side: one table, one command, rows kept.

settings.py   how large the comparison is
methods.py    the methods, from methods.toml
planted.py    small pairs with a planted seed, for a comparison in seconds
grounds.py    the pools, validation and test pairs that methods share
rows.py       one method and seed: trained, tested, kept
page.py       the rows as a table in a Markdown page, and as a picture
compare.py    benchmark_training: all of it
"""

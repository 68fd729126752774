"""What a score is worth, measured without Keras.

metrics.py      average precision, AUROC, within-miRNA AUROC, calibration error, bootstrap
controls.py     predictors that know less than a network should
calibration.py  raw outputs -> probabilities at a stated base rate
evaluate.py     evaluate_model: models and controls side by side
curves.py       precision-recall, ROC and calibration as a picture
bias.py         what miRNA, site or place alone give away in a set of pairs
scan_sites.py   known sites on transcripts
standing.py     the place of sites in a ranked list with ties
scan_task.py    where they stand among all candidates of a scan, by scorer and by seed rules
scan_task_mirna_genes.py  pairs of a miRNA and a gene in several sets, by windows and by pairs
report.py  the same as tables and as a picture
report.py       an evaluation on the terminal
results.py      the table in models/README.md
"""

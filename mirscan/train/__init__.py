"""Labelled pairs -> a trained and calibrated network.

recipe.py       Recipe: every setting of a training, from TOML and flags
data.py         recipe -> the arrays of a training, everything dropped or shared counted
batches.py      encoded pairs and their shuffled, shifted batches
imbalance.py    which pairs an epoch sees, and how they meet in batches
iterative.py    growing negatives: epochs that follow from the validations before them
sampling.py     from a recipe to the batches of its epochs
priors.py       log odds moved to stated parts of positives by seed type
ensemble.py     the members of an EasyEnsemble: what each learns from
mixup.py        mixing of letters or features inside a network
objective.py    losses, optimisers, schedules, weight averages
loop.py         steps, validations, checkpoints
checkpoint.py   what a killed training needs to go on
hardness.py     how hard the pairs of a pool are, measured by scouts and committees
pretraining.py  a nucleotide encoder by masked letters; pretrain_settings.py what it is asked to do
fit.py          train_model: from a recipe to a model folder
curves.py       the picture of a training
tensorboard.py  event files
"""

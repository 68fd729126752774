"""What can go wrong for a reason the user can mend. Each message is one line: where, what was found, what was expected, what to do."""


class MirscanError(Exception):
    """Base of every error that the command line prints as one line without a traceback.

    >>> issubclass(ms.InputError, ms.MirscanError)
    True
    """


class InputError(MirscanError, ValueError):
    """A file, a name or a number given by the user is not what mirscan can work with.

    >>> ms.mirnas_from_sequences(["seed"], ["GAGGUAG"])
    Traceback (most recent call last):
    mirscan.errors.InputError: miRNA 'seed' has 7 nt; expected 8 to 40. Is it a seed, or cut? Give mature miRNAs.
    """


class ModelError(MirscanError):
    """A trained model is unknown, incomplete, or does not do what its card says.

    >>> ms.load_model("best")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mirscan.errors.ModelError: model 'best'...
    """


class RunError(MirscanError):
    """A run folder belongs to another plan, is locked, or misses parts.

    >>> ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out="examples")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mirscan.errors.RunError: ...examples: holds README.md and no plan.json, so it is not a run of mirscan. Choose another --out.
    """

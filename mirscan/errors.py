"""What can go wrong for a reason the user can mend. Each message is one line: where, what was found, what was expected, what to do."""


class MirscanError(Exception):
    """Base of every error that the command line prints as one line without a traceback."""


class InputError(MirscanError, ValueError):
    """A file, a name or a number given by the user is not what mirscan can work with."""


class ModelError(MirscanError):
    """A trained model is unknown, incomplete, or does not do what its card says."""


class RunError(MirscanError):
    """A run folder belongs to another plan, is locked, or misses parts."""

"""Forms of the repression model for experiments that took no part in fitting them."""

from collections.abc import Callable, Sequence

from mirscan.errors import InputError
from mirscan.evaluation.gene_sites import GeneSites
from mirscan.expression.studies import Experiment
from mirscan.genes.repression import Form
from mirscan.train.repression import files_of, fit, forms_for, gather

# miRNAs of one family share nt 2 to 8, and so their sites.
_SEED = slice(1, 8)


def without_study(sites: GeneSites, experiments: Sequence[Experiment]) -> list[Form]:
    """For each experiment the form that the other studies give; their laboratory, cells and method are new to it."""
    return _leave_out(sites, experiments, lambda experiment: experiment.study)


def without_mirna(sites: GeneSites, experiments: Sequence[Experiment]) -> list[Form]:
    """For each experiment the form that the other seed families give, whatever their study."""
    return _leave_out(sites, experiments, lambda experiment: experiment.guide.guide[_SEED])


PROTOCOLS = {"study": ("leave one study out", without_study), "mirna": ("leave one miRNA out", without_mirna)}
NONE = "none"


def protocols_for(sites: GeneSites, names: Sequence[str]) -> dict[str, Callable[[Sequence[Experiment]], list[Form]]]:
    """The protocols of these names, as reports call them, bound to sites; leaving a study out takes two. InputError for an unknown name."""
    unknown = next((name for name in names if name not in (*PROTOCOLS, NONE)), None)
    if unknown is not None:
        raise InputError(f"--leave-out {unknown}: expected {', '.join(PROTOCOLS)} or {NONE}")
    n_studies = len({experiment.study for experiment in sites.experiments})
    chosen = [PROTOCOLS[name] for name in names if name != NONE and (n_studies > 1 or name != "study")]
    return {title: lambda experiments, leave=leave: leave(sites, experiments) for title, leave in chosen}


def _leave_out(sites: GeneSites, experiments: Sequence[Experiment], group_of: Callable[[Experiment], str]) -> list[Form]:
    # The form that a scan of such sites would choose: with coding sequences, and of those the one that reads most.
    name = max(forms_for(sites), key=lambda form: (form.startswith("mrna"), len(files_of(form))))
    gathered, forms = gather(sites, name), {}
    for left_out in dict.fromkeys(map(group_of, experiments)):
        kept = [number for number, experiment in enumerate(experiments) if group_of(experiment) != left_out]
        forms[left_out] = fit(sites, name, gathered, kept).form
    return [forms[group_of(experiment)] for experiment in experiments]

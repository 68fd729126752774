"""From the name of an architecture and its settings to a Keras model."""

import inspect

import keras

from mirscan.errors import ModelError
from mirscan.networks.cost import count_mflop, count_parameters
from mirscan.networks.head import NetworkInputs
from mirscan.networks.registry import ARCHITECTURES, find_architecture
from mirscan.settings import KINDS

# What TOML and the command line may write where a default is of this type.
_ALSO = {float: (float, int), tuple: (tuple, list)}


def architecture_settings(name: str) -> dict[str, object]:
    """Hyper-parameters of an architecture with their defaults."""
    parameters = inspect.signature(find_architecture(name).load()).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY}


def build_network(name: str, mirna_length: int, target_length: int, duplex: int = 0, **settings) -> keras.Model:
    """An untrained network.

    Inputs `mirna_codes` (n, mirna_length) and `target_codes` (n, target_length), integers A0 C1 G2 U3 N4, both 5'->3'; with
    `duplex` = k > 0 also `duplex` (n, k) float32, the k duplex features of each pair. Output `probability` (n, 1), float32 under every
    dtype policy. `settings` are the hyper-parameters of the architecture. ModelError for an unknown name or setting, with the known
    ones, and for a setting or length that gives no network.
    """
    function = find_architecture(name).load()
    known = architecture_settings(name)
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ModelError(f"{name}: unknown setting {', '.join(unknown)}; known: {', '.join(known)}")
    for key, value in settings.items():
        kind = type(known[key])
        if not isinstance(value, _ALSO.get(kind, kind)):
            raise ModelError(f"{name}: setting {key} is {value!r}; expected {KINDS[kind][0]}, as its default {known[key]!r}")
    inputs = _inputs(mirna_length, target_length, int(duplex))
    try:
        output = function(inputs, **settings)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{name} for miRNAs of {mirna_length} nt and windows of {target_length} nt with {settings or 'default settings'}: {error}"
        ) from error
    tensors = {tensor.name: tensor for tensor in (inputs.mirna_codes, inputs.target_codes, inputs.duplex) if tensor is not None}
    return keras.Model(tensors, output, name=name)


def _inputs(mirna_length: int, target_length: int, n_duplex: int) -> NetworkInputs:
    return NetworkInputs(
        mirna_codes=keras.Input((mirna_length,), dtype="uint8", name="mirna_codes"),
        target_codes=keras.Input((target_length,), dtype="uint8", name="target_codes"),
        duplex=keras.Input((n_duplex,), dtype="float32", name="duplex") if n_duplex else None,
    )


def list_architectures(mirna_length: int = 24, target_length: int = 50) -> list[dict[str, object]]:
    """One dict an architecture with default settings: name, parameters (trainable), mflop (a window), description, publication."""
    rows = []
    for name, architecture in ARCHITECTURES.items():
        network = build_network(name, mirna_length, target_length)
        cost = {"parameters": count_parameters(network), "mflop": count_mflop(network)}
        rows.append({"name": name, **cost, "description": architecture.description, "publication": architecture.publication})
    return rows

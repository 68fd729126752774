"""JSON files that know their own checksum: a flipped bit in a plan or a record is noticed, not believed."""

import hashlib
import json

SEAL = "sha256_of_this"


def seal(values: dict) -> bytes:
    """JSON text of `values` with the checksum of their canonical form."""
    return json.dumps({**values, SEAL: _checksum(values)}, indent=1).encode()


def unseal(data: bytes) -> dict:
    """The values that were sealed; raises ValueError for anything else."""
    values = json.loads(data)
    if not isinstance(values, dict) or values.pop(SEAL, None) != _checksum(values):
        raise ValueError("its checksum does not agree")
    return values


def _checksum(values: dict) -> str:
    # Once through JSON and back, so that tuples and lists, or integer and text keys, count as the same.
    return hashlib.sha256(json.dumps(json.loads(json.dumps(values)), sort_keys=True).encode()).hexdigest()

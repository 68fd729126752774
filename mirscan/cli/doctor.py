"""`mirscan doctor`: what this installation is, and whether it works."""

import typer

from mirscan.cli.machine import AsJson, print_json


def doctor(as_json: AsJson = False) -> None:
    """Print versions, processor, memory and cache folder, and check in ten seconds that scan, energies and a model work."""
    from dataclasses import asdict

    from mirscan.doctor import describe_machine, run_checks

    facts, checks = describe_machine(), []
    if not as_json:
        for name, value in facts.items():
            print(f"{name:12} {value}")
    for check in run_checks():
        checks.append(check)
        if not as_json:
            print(f"{'ok' if check.passed else 'FAILED':12} {check.name} ({check.seconds:.1f} s){': ' * bool(check.reason)}{check.reason}")
    if as_json:
        print_json({"machine": facts, "checks": [asdict(check) for check in checks]})
    if not all(check.passed for check in checks):
        raise typer.Exit(1)

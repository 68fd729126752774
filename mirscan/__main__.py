"""Entry point of the `mirscan` command and of `python -m mirscan`: apart from the commands, so that a signal while they are imported
finds its handler.
"""

from mirscan.cli.signals import catch_signals, leave, stopping


def main() -> None:
    """Run the command that the words of this process name."""
    catch_signals()
    try:
        with stopping():
            from mirscan.cli.main import main as run_command

            run_command()
    except SystemExit as ended:
        leave(ended.code or 0)


if __name__ == "__main__":
    main()

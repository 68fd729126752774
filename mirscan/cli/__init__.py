"""Typer commands: parse, call one public function, print a summary. Nothing heavy is imported before a command runs."""

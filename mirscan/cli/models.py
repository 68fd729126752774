"""`mirscan models`: what is shipped, what a card says, which architectures can be trained."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.command import Command
from mirscan.cli.completion import complete
from mirscan.cli.machine import AsJson, print_json
from mirscan.notices import counted

models_app = typer.Typer(help="List and describe trained models and architectures.", no_args_is_help=True)


@models_app.command("list", cls=Command)
def list_(as_json: AsJson = False) -> None:
    """Trained models that --model knows by name."""
    from mirscan.trained_models import list_models

    if as_json:
        print_json([asdict(card) for card in list_models()])
        return
    for card in list_models():
        side = " + duplex energy" if card.inputs_duplex else ""
        print(f"{card.name:16} {card.architecture}{side}, {card.parameters:,} parameters, {card.mflop:.1f} MFLOP a window")
        print(f"{'':16} {card.description}")


@models_app.command(cls=Command)
def show(model: Annotated[str, typer.Argument(autocompletion=complete("card"), help="Name or folder of a model.")]) -> None:
    """The card of a model, as TOML."""
    from mirscan.trained_models import CARD_FILE, find_model, read_card

    folder = find_model(model)
    read_card(folder)
    print((folder / CARD_FILE).read_text(encoding="utf-8"), end="")


@models_app.command(cls=Command)
def check(model: Annotated[str, typer.Argument(autocompletion=complete("card"), help="Name or folder of a model.")]) -> None:
    """Load a model and re-score the examples of its card."""
    from mirscan.trained_models import load_model

    card = load_model(model).card
    print(f"{card.name}: file and card agree ({counted(len(card.examples), 'example')} re-scored)")


@models_app.command(cls=Command)
def plain(model: Annotated[str, typer.Argument(autocompletion=complete("card"), help="Name or folder of a model.")]) -> None:
    """Write a network as mirscan's kernels read it beside model.keras, so that a scan with it need not load Keras even once."""
    from mirscan.scoring.loading import ship_plain_network

    print(ship_plain_network(model))


@models_app.command(cls=Command)
def architectures() -> None:
    """Networks that `mirscan train --architecture` knows, with parameters and MFLOP per window."""
    from mirscan.keras_loading import load_keras

    load_keras()
    from mirscan.networks import list_architectures

    for row in list_architectures():
        print(
            f"{row['name']:18} {row['parameters']:>9,} parameters {row['mflop']:>7.1f} MFLOP  {row['description']} ({row['publication']})"
        )


@models_app.command(cls=Command)
def prefilter(
    model: Annotated[
        str, typer.Argument(autocompletion=complete("card"), help="Name or folder of the model whose card gets the threshold.")
    ],
    first: Annotated[str, typer.Argument(autocompletion=complete("model"), help="Cheaper model that looks first, or duplex.")],
    mirnas: Annotated[Path, typer.Option("--mirnas", help="miRNAs as FASTA.")],
    utrs: Annotated[Path, typer.Option("--utrs", help="3'UTRs as FASTA, none that a test reports on.")],
    species: Annotated[str | None, typer.Option("--species", help="Keep miRNAs whose name begins so, as in hsa.")] = None,
    windows: Annotated[int, typer.Option("--windows", help="Random candidates to choose on.")] = 200_000,
    max_loss: Annotated[float, typer.Option("--max-loss", help="Part of what the model reports that may be lost.")] = 0.01,
    threads: Annotated[int, typer.Option("--threads", help="Cores to use.")] = 1,
) -> None:
    """Choose the threshold of scan --prefilter on candidates of your own, and write it into the model's card."""
    from mirscan.scoring import store_prefilter_threshold
    from mirscan.sequence.mirnas import read_mirnas
    from mirscan.sequence.transcriptome import read_transcriptome

    inputs = read_transcriptome(utrs), read_mirnas(mirnas, species)
    choice = store_prefilter_threshold(model, first, *inputs, windows, max_loss, threads)
    print(f"{first} before {model}: {choice.threshold:.4f}, which {choice.survivors:.1%} of {choice.n_pairs:,} candidates reach")
    print(f"lost: {choice.lost:.2%} of the {choice.n_reported:,} that {model} reports; written into its card")


@models_app.command(cls=Command)
def table(
    results: Annotated[Path, typer.Option("--results", help="File that mirscan evaluate --record fills.")] = Path("models/results.json"),
    out: Annotated[Path, typer.Option("--out", help="Markdown file to write.")] = Path("models/README.md"),
) -> None:
    """Write the table of every recorded evaluation beside controls and published numbers."""
    from mirscan.evaluation.results import write_table

    write_table(results, out)
    print(f"written: {out}")


@models_app.command("import-rna-fm", cls=Command)
def import_rna_fm(
    weights: Annotated[Path, typer.Argument(help="RNA-FM_pretrained.pth, a local file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the encoder.")] = Path("rna-fm"),
) -> None:
    """Make an encoder for train --encoder of RNA-FM's weights; nothing in the file is run."""
    from mirscan.keras_loading import load_keras

    load_keras()
    from mirscan.networks.rna_fm import read_rna_fm
    from mirscan.train.pretraining import write_encoder
    from mirscan.trained_models import file_sha256

    encoder, size = read_rna_fm(weights)
    write_encoder(out, encoder, size.to_dict(), {"weights": {"file": weights.name, "sha256": file_sha256(weights)}})
    print(f"{out}: {counted(size.n_layers, 'layer')} of {size.width} channels, strands of up to {size.longest} nt")

"""What two scans that no single machine does in an afternoon would cost: core-hours, GPU-hours, disk, money.

    python benchmarks/run/plan_costs.py                       # print the tables
    python benchmarks/run/plan_costs.py --write docs/scaling.md    # put them into the document

Everything is computed from the constants below. RATES and FINISH_RATE come from `benchmark_run.py rates` on one thread of the processor
named there, with nothing else at work; change them and the prices, run with --write, and the document agrees again.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

HOUR = 3600.0
BEGIN, END = "<!-- plan_costs: begin -->", "<!-- plan_costs: end -->"


@dataclass(frozen=True)
class Rate:
    """Candidates a second: of one core, scan to Parquet, and of one GPU (None: no network to put there); bytes a site: in Parquet, and in
    BED, genes.tsv.gz and genes.parquet together."""

    core: float
    gpu: float | None
    parquet_bytes: float
    other_bytes: float
    is_gpu_assumed: bool = True


MEASURED_ON = "one virtual core of an AMD EPYC with AVX-512 bf16"
RATES = {
    "none": Rate(10_800_000, None, 2.5, 26),
    "duplex": Rate(224_000, None, 6.9, 40),
    "fast": Rate(145_000, 1_500_000, 6.8, 39),
    "base": Rate(23_200, 600_000, 6.7, 39),
}
# Sites a second that one core turns into BED, repression and gene tables, with ranks.
FINISH_RATE = 1_200_000
# Candidates a base and miRNA with canonical rules and the 2,656 human miRNAs of miRBase 22: in 17,660 human 3'UTRs, and in the 918 RefSeq
# transcripts of chromosome 22.
DENSITY_3UTR, DENSITY_TRANSCRIPT = 26_183_550 / (30_540_993 * 2_656), 2_673_647 / (2_733_262 * 2_656)


@dataclass(frozen=True)
class Scan:
    """`runs` runs of `bases` nt against `mirnas` miRNAs each; `density` in candidates a base and miRNA."""

    name: str
    runs: int
    bases: float
    mirnas: int
    density: float = DENSITY_3UTR

    @property
    def candidates(self) -> float:
        return self.runs * self.bases * self.mirnas * self.density


SCANS = (
    # 51 vertebrates have 100 or more mature miRNAs in miRBase 22; their mean is 500. A species without any borrows those of a relative.
    Scan("300 vertebrates, 500 miRNAs each", 300, 40e6, 500),
    Scan("300 vertebrates, 2,656 miRNAs each", 300, 40e6, 2_656),
    Scan("every human isoform, 2,656 miRNAs", 1, 350e6, 2_656, DENSITY_TRANSCRIPT),
)


@dataclass(frozen=True)
class Prices:
    """US dollars; assumptions, not offers: of the order of public list prices of large clouds for Linux in the United States."""

    date: str = "2026-11"
    core_hour: float = 0.05
    spot_core_hour: float = 0.02
    gpu_hour: float = 4.0
    gigabyte_month: float = 0.023


PRICES = Prices()


def cost_rows() -> list[tuple[str, ...]]:
    """One row a scan and model."""
    rows = []
    for scan in SCANS:
        for model, rate in RATES.items():
            n = scan.candidates
            core_hours = n / rate.core / HOUR + n / FINISH_RATE / HOUR
            gigabytes = n * (rate.parquet_bytes + rate.other_bytes) / 1e9
            gpu_hours = None if rate.gpu is None else n / rate.gpu / HOUR
            on_gpu = "-" if gpu_hours is None else f"{shown(gpu_hours)}{' (assumed)' if rate.is_gpu_assumed else ''}"
            rows.append(
                (
                    scan.name,
                    model,
                    f"{n / 1e9:,.2f}",
                    shown(core_hours),
                    on_gpu,
                    shown(gigabytes),
                    f"{shown(core_hours * PRICES.core_hour)} / {shown(core_hours * PRICES.spot_core_hour)}",
                    "-" if gpu_hours is None else shown(gpu_hours * PRICES.gpu_hour),
                    shown(gigabytes * PRICES.gigabyte_month),
                )
            )
    return rows


def rate_rows() -> list[tuple[str, ...]]:
    """The rates that the costs rest on."""
    return [
        (
            model,
            f"{rate.core:,.0f}",
            "-" if rate.gpu is None else f"{rate.gpu:,.0f}{' (assumed)' if rate.is_gpu_assumed else ''}",
            f"{rate.parquet_bytes:g} + {rate.other_bytes:g}",
        )
        for model, rate in RATES.items()
    ]


def shown(value: float) -> str:
    """Two figures that matter; nobody plans to the cent."""
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.2g}"


def text() -> str:
    """The tables as Markdown."""
    rates = table(("model", f"candidates/s, {MEASURED_ON}", "candidates/s, one GPU", "bytes a site: Parquet + BED and genes"), rate_rows())
    headings = (
        *("scan", "model", "candidates, 10⁹", "core-hours", "GPU-hours", "disk, GB"),
        *("$ on demand / spot, cores", "$ on GPUs", "$ a month, disk"),
    )
    prices = (
        f"Prices assumed, {PRICES.date}: {PRICES.core_hour:g} $ a core-hour on demand, {PRICES.spot_core_hour:g} $ on spot, "
        f"{PRICES.gpu_hour:g} $ an hour of a data-centre GPU with its machine, {PRICES.gigabyte_month:g} $ a GB a month in an object store."
    )
    return f"{rates}\n\n{table(headings, cost_rows())}\n\n{prices}\n"


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [headings, tuple("---" if place < 1 else "---:" for place in range(len(headings))), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_tables(document: str) -> str:
    """`document` with the text between the two marks replaced."""
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"expected {BEGIN} and {END} in the document")
    return f"{before}{BEGIN}\n{text()}{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="document whose tables to replace")
    arguments = parser.parse_args()
    if arguments.write is None:
        print(text())
    else:
        arguments.write.write_text(with_tables(arguments.write.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Fetch the JavaScript of the HTML report from npm packages at fixed versions into mirscan/report/assets/, with licences and checksums.

    python tools/report_assets.py           # fetch again, write assets.json
    python tools/report_assets.py --check   # compare the files that are there with assets.json; needs no network

Needs npm. Packages are unpacked, never installed, so none of their scripts runs.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "mirscan/report/assets"
MANIFEST = ASSETS / "assets.json"
# Package, version, and the files taken out of it.
PACKAGES = (
    ("vega", "6.4.0", ("build/vega.min.js",)),
    ("vega-lite", "6.5.0", ("build/vega-lite.min.js",)),
    ("vega-embed", "7.3.0", ("build/vega-embed.min.js",)),
    ("tabulator-tables", "6.5.3", ("dist/js/tabulator.min.js", "dist/css/tabulator.min.css")),
    ("igv", "3.8.10", ("dist/igv.min.js",)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        sys.exit("\n".join(find_damage()) or 0)
    ASSETS.mkdir(exist_ok=True)
    entries = [entry for package in PACKAGES for entry in fetch(*package)]
    MANIFEST.write_text(json.dumps(entries, indent=1) + "\n")


def fetch(package: str, version: str, files: tuple[str, ...]) -> list[dict]:
    """Take files and licence out of a package; one entry of the manifest a file."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            contents = {Path(member.name).relative_to("package").as_posix(): member for member in archive.getmembers() if member.isfile()}

            def read(name: str) -> bytes:
                return archive.extractfile(contents[name]).read()

            licence = next(name for name in contents if name.upper().startswith("LICENSE"))
            (ASSETS / f"{package}.LICENSE").write_bytes(read(licence))
            kind = json.loads(read("package.json"))["license"]
            return [store(package, version, kind, name, read(name)) for name in files]


def store(package: str, version: str, licence: str, name: str, data: bytes) -> dict:
    # Maps of the sources are not here, so browsers need not look for them.
    data = re.sub(rb"^//# sourceMappingURL=.*$", b"", data, flags=re.MULTILINE)
    path = ASSETS / Path(name).name
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {"file": path.name, "package": package, "version": version, "licence": licence, "source": name, "sha256": digest}


def find_damage() -> list[str]:
    """What is not as the manifest says."""
    return [
        f"{entry['file']}: is not the file of {entry['package']} {entry['version']} that the manifest names"
        for entry in json.loads(MANIFEST.read_text())
        if hashlib.sha256((ASSETS / entry["file"]).read_bytes()).hexdigest() != entry["sha256"]
    ]


if __name__ == "__main__":
    main()

"""The small texts that tell a browser what to open: a track hub of UCSC, and a session of IGV."""

from xml.etree import ElementTree

# The place where the hub's bigBed lies, within the folder of its assembly.
HUB_SITES = "sites.bb"
_IGV_VERSION = "8"
_ON_BOTH_SIDES = 500


def hub_texts(assembly: str, description: str) -> dict[str, str]:
    """Texts of a track hub by path in its folder; UCSC wants a mail address, which whoever puts the hub on the web fills in."""
    stanzas = {
        "hub.txt": {
            "hub": "mirscan",
            "shortLabel": "miRNA sites",
            "longLabel": description,
            "genomesFile": "genomes.txt",
            "email": "set-your-address@example.org",
        },
        "genomes.txt": {"genome": assembly, "trackDb": f"{assembly}/trackDb.txt"},
        f"{assembly}/trackDb.txt": {
            "track": "mirscanSites",
            "bigDataUrl": HUB_SITES,
            "shortLabel": "miRNA sites",
            "longLabel": description,
            "type": "bigBed 12 +",
            "itemRgb": "on",
            "visibility": "pack",
            "filter.score": "0",
            "filterValues.seed": "8mer,7mer-m8,7mer-A1,6mer",
        },
    }
    return {name: "".join(f"{key} {value}\n" for key, value in lines.items()) for name, lines in stanzas.items()}


def igv_session(genome: str, tracks: dict[str, str], locus: tuple[str, int, int] | None) -> str:
    """A session of IGV as XML: a FASTA as genome, tracks by path with their names, and where to look first (0-based, half-open)."""
    session = ElementTree.Element("Session", genome=genome, version=_IGV_VERSION)
    if locus is not None:
        contig, start, end = locus
        session.set("locus", f"{contig}:{max(1, start + 1 - _ON_BOTH_SIDES)}-{end + _ON_BOTH_SIDES}")
    resources = ElementTree.SubElement(session, "Resources")
    panel = ElementTree.SubElement(session, "Panel", name="FeaturePanel")
    for path, name in tracks.items():
        ElementTree.SubElement(resources, "Resource", path=path)
        ElementTree.SubElement(panel, "Track", id=path, name=name, displayMode="EXPANDED", visible="true")
    ElementTree.indent(session)
    return ElementTree.tostring(session, encoding="unicode", xml_declaration=True) + "\n"

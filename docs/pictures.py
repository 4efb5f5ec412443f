"""Make the pictures of README from a study: `python docs/pictures.py build/study`.

Needs tmux, for the pictures of a terminal at work. The pictures of the report are those
of the study's `evaluate` run; the family is the largest of its test split.
"""

import argparse
import base64
import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.text import Text

from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.decode import Image8
from lcc.data.tiles import read_tiles
from lcc.families.edges import read_edges
from lcc.gallery.cards import Cards
from lcc.gallery.lineage import trace_lineage
from lcc.launch.plan import Stage
from lcc.launch.state import RunStatus, read_states
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.pointers import read_latest

IMAGES = Path(__file__).parent / "images"
NUM_TILES = 8
GAP_PX = 4
COLUMNS, LINES = 92, 26
SESSION = "lcc-pictures"


def main() -> None:
    """Draw what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder of a finished study")
    parser.add_argument("--terminal", metavar="COMMAND", help="to show at work")
    parser.add_argument("--until", help="text that the terminal must show first")
    parser.add_argument("--output", type=Path, help="SVG of the terminal")
    arguments = parser.parse_args()
    if arguments.terminal:
        arguments.output.write_text(
            film(arguments.terminal, until=arguments.until or "")
        )
        return
    store = LocalStore(arguments.root)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "family.png").write_bytes(draw_family(store))
    (IMAGES / "honest-and-inflated.png").write_bytes(read_comparison(store))


def read_comparison(store: LocalStore) -> bytes:
    """Return the first picture of the last report."""
    runs = [
        state.run_id
        for state in read_states(store)
        if state.stage == Stage.EVALUATE and state.status is RunStatus.DONE
    ]
    return store.read(layout.artifact(runs[-1], None, "honest_and_inflated.png"))


def draw_family(store: LocalStore) -> bytes:
    """Return the tiles of one family as a row, each laid on the first."""
    (name,) = (
        dataset
        for item in store.list_objects(layout.DATASETS_PREFIX)
        if (dataset := layout.dataset_of_latest(item.key))
    )
    catalogue = read_catalogue(store, name=name, digest=read_latest(store, name))
    edges = read_edges(store, catalogue)
    cards = Cards(
        catalogue=catalogue,
        edges=edges,
        lineage=trace_lineage(catalogue, edges),
        read=read_tiles(store, catalogue),
    )
    card = cards.family(choose_family(catalogue), max_figures=NUM_TILES)
    tiles = [decode(figure.picture) for figure in card.figures]
    gap = np.full((tiles[0].shape[0], GAP_PX, 3), 255, np.uint8)
    row = np.hstack([part for tile in tiles for part in (tile, gap)][:-1])
    return bytes(cv2.imencode(".png", row)[1].tobytes())


def choose_family(catalogue: Catalogue) -> int:
    """Return the largest family of the test split, the first of equals."""
    sizes = Counter(catalogue.families[catalogue.rows("test")].tolist())
    return min(sizes, key=lambda family: (-sizes[family], family))


def decode(uri: str) -> Image8:
    """Return the pixels of a picture that is packed into a page."""
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def film(command: str, *, until: str) -> str:
    """Return a terminal that runs a command as SVG, once it shows a text."""
    size = ["-x", str(COLUMNS), "-y", str(LINES)]
    tmux("new-session", "-d", "-s", SESSION, *size, "bash", "--norc")
    try:
        tmux("send-keys", "-t", SESSION, f"clear; {command}", "Enter")
        deadline = time.monotonic() + 600
        while until not in (shown := tmux("capture-pane", "-p", "-t", SESSION)):
            if time.monotonic() > deadline:
                sys.exit(f"{command}: never showed {until!r}, but:\n{shown}")
            time.sleep(0.2)
        coloured = tmux("capture-pane", "-e", "-p", "-t", SESSION)
    finally:
        tmux("kill-session", "-t", SESSION)
    console = Console(record=True, width=COLUMNS, file=subprocess.DEVNULL)
    console.print(Text.from_ansi(coloured.rstrip()))
    return console.export_svg(title=shlex.split(command)[0])


def tmux(*arguments: str) -> str:
    """Return what tmux prints."""
    command = ["tmux", *arguments]  # a terminal that runs without a window
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    main()

"""Make README's pictures: `python docs/pictures.py` runs `make study` and looks at it.

Needs tmux, a terminal without a window. What is drawn of the study is drawn by the
product: the comparison of its report, and a family as its gallery lays it out.
"""

import base64
import io
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.text import Text

from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.families.edges import read_edges
from lcc.gallery.cards import Cards
from lcc.gallery.lineage import trace_lineage
from lcc.images.decode import Image8, decode_image
from lcc.launch.plan import Stage
from lcc.launch.state import RunStatus, read_states
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.pointers import dataset_names, read_latest

REPOSITORY = Path(__file__).parents[1]
IMAGES = Path(__file__).parent / "images"
TILES, ROOT = "build/tiles", "build/study"
STUDY = [
    f"lcc-launch sample {TILES}",
    f"lcc-launch pipeline {TILES} --local --root {ROOT} --settings examples/study.yaml",
]
NUM_TILES = 8
GAP_PX = 6
COLUMNS, LINES = 90, 24
SESSION = "lcc-pictures"
PROMPT = f"PS1='$ ' PATH={Path(sys.executable).parent}:$PATH"
PATIENCE_SECONDS = 600


def main() -> None:
    """Run the study in a terminal, and draw what README shows."""
    IMAGES.mkdir(exist_ok=True)
    for folder in (TILES, ROOT):  # a study that is there would be filmed as done
        shutil.rmtree(REPOSITORY / folder, ignore_errors=True)
    film_study()
    store = LocalStore(REPOSITORY / ROOT)
    (IMAGES / "honest-and-inflated.png").write_bytes(read_comparison(store))
    (IMAGES / "family.png").write_bytes(draw_family(store))


def film_study() -> None:
    """Write two terminals at work as SVG: the pipeline, and somebody who watches it."""
    size = ["-x", str(COLUMNS), "-y", str(LINES)]
    tmux("new-session", "-d", "-s", SESSION, "-n", "run", *size, "bash", "--norc")
    try:
        tmux("send-keys", "-t", "run", f"{PROMPT}; clear; {STUDY[0]} -q", "Enter")
        wait_for("run", "next:")
        tmux("send-keys", "-t", "run", f"clear; {STUDY[1]}", "Enter")
        wait_for("run", " 2/4 ")  # trials
        watch = f"{PROMPT}; clear; lcc-launch status --watch --root {ROOT}"
        tmux("new-window", "-t", SESSION, "-n", "watch", "bash", "--norc")
        tmux("send-keys", "-t", "watch", watch, "Enter")
        wait_for("watch", "trial ")
        (IMAGES / "pipeline.svg").write_text(draw_terminal("run"))
        (IMAGES / "status.svg").write_text(draw_terminal("watch"))
        wait_for("run", "mlflow ui")
    finally:
        tmux("kill-session", "-t", SESSION)


def wait_for(window: str, text: str) -> None:
    """Return once a terminal shows a text."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in (shown := tmux("capture-pane", "-p", "-t", window)):
        if time.monotonic() > deadline:
            sys.exit(f"{window}: never showed {text!r}, but:\n{shown}")
        time.sleep(0.2)


def draw_terminal(window: str) -> str:
    """Return what a terminal shows as SVG."""
    shown = tmux("capture-pane", "-e", "-p", "-t", window)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(shown.replace(str(REPOSITORY), "…").rstrip()))
    return console.export_svg(title="lcc-launch")


def tmux(*arguments: str) -> str:
    """Return what tmux prints."""
    command = ["tmux", *arguments]
    done = subprocess.run(  # noqa: S603 - a terminal of our own
        command, check=True, capture_output=True, text=True, cwd=REPOSITORY
    )
    return done.stdout


def read_comparison(store: LocalStore) -> bytes:
    """Return the first picture of the last report."""
    runs = [
        state.run_id
        for state in read_states(store)
        if state.stage == Stage.EVALUATE and state.status is RunStatus.DONE
    ]
    return store.read(layout.evaluation(runs[-1], "plots/honest_and_inflated.png"))


def draw_family(store: LocalStore) -> bytes:
    """Return the tiles of one family as a row, each laid on the first."""
    (name,) = dataset_names(store)
    catalogue = read_catalogue(store, name=name, digest=read_latest(store, name))
    edges = read_edges(store, catalogue)
    cards = Cards(
        catalogue=catalogue,
        edges=edges,
        lineage=trace_lineage(catalogue, edges),
        read=source_reader(catalogue),
    )
    card = cards.family(choose_family(catalogue), max_figures=NUM_TILES)
    tiles = [decode(figure.picture) for figure in card.figures]
    gap = np.full((len(tiles[0]), GAP_PX, 3), 255, np.uint8)
    row = np.hstack([part for tile in tiles for part in (tile, gap)][:-1])
    return bytes(cv2.imencode(".png", row)[1].tobytes())


def source_reader(catalogue: Catalogue) -> Callable[[int], Image8]:
    """Return what reads the image of a record as it was drawn, larger than its tile."""
    paths = dict(zip(catalogue.records.tolist(), catalogue.paths, strict=True))
    tiles = REPOSITORY / "build" / "tiles"
    return lambda record: decode_image((tiles / paths[record]).read_bytes()).pixels


def choose_family(catalogue: Catalogue) -> int:
    """Return the largest family of the test split, the first of equals."""
    sizes = Counter(catalogue.families[catalogue.rows("test")].tolist())
    return min(sizes, key=lambda family: (-sizes[family], family))


def decode(uri: str) -> Image8:
    """Return the pixels of a picture that is packed into a page."""
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


if __name__ == "__main__":
    main()

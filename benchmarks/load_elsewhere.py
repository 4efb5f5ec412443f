"""Do saved models load, and predict the same, in other releases of Keras?

Takes a train run's folder `model/` (model.keras and the .h5 beside it) and predicts a
few noise tiles here; then, for each pair of releases, in an environment that `uv` makes
for it (needs the package index, and a minute a pair), and prints the largest difference
of a probability. Exits 1 where a pair that `lcc.evaluate.cards.TRIED` names differs by
more than 1e-5 or does not load; other pairs are shown and bind nobody.
Usage: python benchmarks/load_elsewhere.py MODEL_FOLDER [KERAS:TENSORFLOW …]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lcc.evaluate.cards import TRIED

TOLERANCE = 1e-5  # of a probability: float32 sums in another order
NUM_TILES = 4
# Runs where lcc is not installed: Keras alone.
PREDICT = """\
import sys, warnings
warnings.simplefilter("ignore")
import keras, numpy as np
tiles = np.load(sys.argv[1])
for path, out in zip(sys.argv[2::2], sys.argv[3::2]):
    model = keras.saving.load_model(path, compile=False)
    np.save(out, np.asarray(model(tiles, training=False)))
print("keras", keras.__version__)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("pairs", nargs="*", help="by default those of the model card")
    arguments = parser.parse_args()
    files = [arguments.model / "model.keras", *sorted(arguments.model.glob("*.h5"))]
    pairs = [tuple(text.split(":")) for text in arguments.pairs] or list(TRIED)
    with tempfile.TemporaryDirectory() as scratch:
        tiles = Path(scratch, "tiles.npy")
        np.save(tiles, some_tiles(files[0]))
        expected = predict([sys.executable], tiles, files, Path(scratch, "here"))
        num_wrong = 0
        for keras, tensorflow in pairs:
            found = predict_in(keras, tensorflow, tiles, files)
            for file in files:
                worst = difference(found, expected, file)
                is_wrong = not worst <= TOLERANCE
                num_wrong += is_wrong and (keras, tensorflow) in TRIED
                text = f"{worst:.1e}" if np.isfinite(worst) else "not loaded"
                print(
                    f"keras {keras:<8}TensorFlow {tensorflow:<8}{file.suffix:<7}{text}"
                )
    sys.exit(1 if num_wrong else 0)


def some_tiles(model: Path) -> np.ndarray:
    """Return noise of the size that the model takes."""
    import keras

    side = keras.saving.load_model(model, compile=False).input_shape[1]
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (NUM_TILES, side, side, 3)).astype(np.uint8)


def predict_in(
    keras: str, tensorflow: str, tiles: Path, files: list[Path]
) -> dict[str, np.ndarray]:
    """Return probabilities by kind of file, from releases of Keras and TensorFlow."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    wanted = (f"keras=={keras}", f"tensorflow-cpu=={tensorflow}")
    command = [uv, "run", "--quiet", "--no-project", "--isolated"]
    command += ["--python", "3.11", *(w for name in wanted for w in ("--with", name))]
    with tempfile.TemporaryDirectory() as scratch:
        return predict([*command, "python"], tiles, files, Path(scratch))


def predict(
    python: list[str], tiles: Path, files: list[Path], folder: Path
) -> dict[str, np.ndarray]:
    """Return probabilities by kind of file; what does not load is left out."""
    folder.mkdir(exist_ok=True)
    found = {}
    clean = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
    clean["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for file in files:
        out = folder / f"{file.suffix[1:]}.npy"
        command = [*python, "-c", PREDICT, str(tiles), str(file), str(out)]
        done = subprocess.run(
            command, env=clean, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            found[file.suffix] = np.load(out)
        else:
            print("\n".join(done.stderr.strip().splitlines()[-2:]), file=sys.stderr)
    return found


def difference(
    found: dict[str, np.ndarray], expected: dict[str, np.ndarray], file: Path
) -> float:
    """Return the largest difference of a probability; infinite where nothing loaded."""
    if file.suffix not in found:
        return float("inf")
    return float(np.abs(found[file.suffix] - expected[file.suffix]).max())


if __name__ == "__main__":
    main()

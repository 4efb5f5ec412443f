"""Write the table of values in the chart's README from the comments of values.yaml.

`python charts/readme.py` rewrites README.md between its markers; `--check` compares.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

CHART = Path(__file__).parent / "lcc"
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z0-9]+):")


def described_values(text: str) -> Iterator[tuple[str, str, object]]:
    r"""Yield path, sentence and default of every value with a `# --` comment.

    Example:
        >>> list(described_values("s3:\n  # -- Its size.\n  size: 1Gi\n"))
        [('s3.size', 'Its size.', '1Gi')]
    """
    path: list[str] = []
    sentence = None
    for line in text.splitlines():
        if line.strip().startswith("# -- "):
            sentence = line.strip().removeprefix("# -- ")
        elif match := KEY.match(line):
            path = [*path[: len(match["indent"]) // 2], match["key"]]
            if sentence is not None:
                yield ".".join(path), sentence, _at(yaml.safe_load(text), path)
            sentence = None


def _at(value: object, path: list[str]) -> object:
    for key in path:
        assert isinstance(value, dict)  # noqa: S101 - the path came from the file
        value = value[key]
    return value


def render() -> str:
    """Return the README as it should be."""
    before, _, rest = (CHART / "README.md").read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    values = list(described_values((CHART / "values.yaml").read_text()))
    groups = {path.rpartition(".")[0] for path, _, _ in values}
    rows = [
        f"| `{path}` | {sentence} | `{json.dumps(default)}` |\n"
        for path, sentence, default in values
        if path not in groups
    ]
    head = "| value | what it is | default |\n| --- | --- | --- |\n"
    return f"{before}{BEGIN}{head}{''.join(rows)}{END}{after}"


if __name__ == "__main__":
    readme = render()
    file = CHART / "README.md"
    if "--check" in sys.argv:
        is_same = readme == file.read_text()
        sys.exit(0 if is_same else "README.md: is old. Run python charts/readme.py")
    file.write_text(readme)

"""One HTML document that holds everything: it opens anywhere, without a network."""

import base64
import math
from collections.abc import Mapping

from lcc.evaluate.bootstrap import Estimate


def render_page(template: str, *, plots: Mapping[str, bytes], **values: object) -> str:
    """Return a template of this room as one HTML document.

    Args:
        template: Its name.
        plots: PNG by title; the template gets them as URIs that hold the picture.
        values: What else it shows.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("lcc.evaluate", ""), PackageLoader("lcc.data")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["interval"] = _interval
    environment.filters["markdown_uri"] = lambda text: _data_uri(
        text.encode(), kind="text/markdown"
    )
    uris = {name: _data_uri(content) for name, content in plots.items()}
    return environment.get_template(template).render(plots=uris, **values)


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _interval(own: Estimate) -> str:
    between = " to " if own.lower < 0 else "–"  # no dash beside a minus
    return f"{_number(own.lower)}{between}{_number(own.upper)}"


def _data_uri(content: bytes, *, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

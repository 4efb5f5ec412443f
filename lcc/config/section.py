"""The base of every settings section: frozen, and no unknown field passes."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section of `lcc.yaml`; immutable, unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        use_attribute_docstrings=False,
    )

"""Model card and data sheet: facts that are on file, and what a person must add.

Made of documents alone: what they lack is said to be missing, and nothing is guessed.
Source: Mitchell et al., Model cards for model reporting, FAT* 2019, section 4; Gebru et
al., Datasheets for datasets, CACM 64 (2021), section 3.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lcc.config.card import CardAnswers, questions
from lcc.config.settings import Settings

MODEL_CARD, DATA_SHEET = "model_card.md", "data_sheet.md"
MISSING = "MISSING"
NOT_KEPT = "not on file"
# Keras and TensorFlow in which the saved files load and predict the same, as tried by
# `python benchmarks/load_elsewhere.py`; the oldest and the newest.
TRIED = (("3.8.0", "2.18.0"), ("3.12.0", "2.21.0"), ("3.15.1", "2.21.0"))
MARKS = re.compile(r"([\\`*\[\]<>|])")  # what Markdown or HTML would act on
OVERALL = {
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "mcc": "Matthews' coefficient",
    "auroc": "AUROC",
    "auprc": "AUPRC",
}
BY_CLASS = ("recall", "precision", "specificity")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a card: a fact, or a person's answer.

    Attributes:
        name: What it is about.
        text: What is known; the question where nobody has answered it.
        question: Path of a question in the file of answers; empty for a fact.
        is_missing: Whether that has no answer.
    """

    name: str
    text: str
    question: str = ""
    is_missing: bool = False

    def markdown(self) -> str:
        """Return the line as Markdown; an answer may hold Markdown of its own."""
        if self.is_missing:
            return f"- **{self.name}**: **{MISSING}**: {self.text} (`{self.question}`)"
        text = self.text if self.question else _escaped(self.text)
        return f"- **{_escaped(self.name)}**: " + "\n  ".join(text.strip().splitlines())


def _escaped(text: str) -> str:
    return MARKS.sub(r"\\\1", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card: title, and sections of lines.

    Attributes:
        file: Its name as a file.
        title: Of which model or data set.
        sections: Heading → lines.
    """

    file: str
    title: str
    sections: Mapping[str, tuple[Entry, ...]]

    @property
    def missing(self) -> tuple[str, ...]:
        """The questions that nobody has answered, by path."""
        lines = (entry for own in self.sections.values() for entry in own)
        return tuple(entry.question for entry in lines if entry.is_missing)

    def markdown(self) -> str:
        """Return the card as Markdown."""
        parts = [f"# {_escaped(self.title)}\n"]
        for heading, entries in self.sections.items():
            lines = "\n".join(entry.markdown() for entry in entries)
            parts.append(f"## {heading}\n\n{lines}\n")
        return "\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSources:
    """The documents, beside `metrics.json`, that facts are taken from.

    Attributes:
        model: `model.json`.
        training: Settings that the model was trained with, none where not on file.
        splits: `splits.json` of the catalogue.
        audit: `audit.json` of the catalogue.
        source: Where the images came from, empty where not on file.
        answers: What a person says.
    """

    model: Document = field(default_factory=dict)
    training: Settings | None = None
    splits: Document = field(default_factory=dict)
    audit: Document = field(default_factory=dict)
    source: str = ""
    answers: CardAnswers = field(default_factory=CardAnswers)


def build_cards(metrics: Document, sources: CardSources) -> tuple[Card, Card]:
    """Return model card and data sheet.

    Args:
        metrics: `metrics.json` of the evaluation.
        sources: All other documents.
    """
    return _model_card(metrics, sources), _data_sheet(metrics, sources)


def _model_card(metrics: Document, sources: CardSources) -> Card:
    ask = _asking(sources.answers)
    return Card(
        file=MODEL_CARD,
        title=f"Model card: {metrics['lineage'].get('model run', NOT_KEPT)}",
        sections={
            "Model details": (
                *_model_details(metrics, sources),
                *ask("model.contact", "model.licence"),
            ),
            "Intended use": ask("model.intended_use", "model.out_of_scope_use"),
            "Factors": tuple(_factors(metrics, sources)),
            "Metrics": tuple(_metrics(metrics)),
            "Evaluation data": tuple(_evaluation_data(metrics, sources)),
            "Training data": tuple(_training_data(sources)),
            "Quantitative analyses": tuple(_figures(metrics)),
            "Ethical considerations": ask("model.ethical_considerations"),
            "Caveats and recommendations": (
                *_caveats(metrics, sources),
                *ask("model.caveats"),
            ),
        },
    )


def _data_sheet(metrics: Document, sources: CardSources) -> Card:
    ask = _asking(sources.answers)
    return Card(
        file=DATA_SHEET,
        title=f"Data sheet: {metrics['lineage'].get('data set', NOT_KEPT)}",
        sections={
            "Motivation": ask("data.purpose"),
            "Composition": (*_composition(sources), *ask("data.sampling")),
            "Collection": ask("data.collection", "data.people"),
            "Preprocessing and labelling": (
                *_preprocessing(metrics, sources),
                *ask("data.labelling"),
            ),
            "Uses": ask("data.uses"),
            "Distribution": (
                _fact("source", sources.source or NOT_KEPT),
                *ask("data.licence"),
            ),
            "Maintenance": ask("data.maintenance"),
        },
    )


def _asking(answers: CardAnswers) -> Any:
    asked, missing = questions(), answers.missing()

    def ask(*paths: str) -> tuple[Entry, ...]:
        return tuple(
            Entry(
                name=path.partition(".")[2].replace("_", " "),
                text=asked[path] if path in missing else answers.answer(path),
                question=path,
                is_missing=path in missing,
            )
            for path in paths
        )

    return ask


def _fact(name: str, value: object) -> Entry:
    return Entry(name=name, text=NOT_KEPT if value is None else str(value))


def _model_details(metrics: Document, sources: CardSources) -> Iterator[Entry]:
    model, lineage = sources.model, metrics["lineage"]
    yield _fact("train run", lineage.get("model run"))
    yield from _architecture(sources)
    size, names = model.get("tile_size_px"), ", ".join(model.get("class_names", ()))
    yield _fact("input", f"{size} × {size} pixels, RGB from 0 to 255" if size else None)
    yield _fact("output", f"probabilities of {names}" if names else None)
    yield _fact("SHA-256 of model.keras", model.get("sha256"))
    made = ", ".join(f"{n} {v}" for n, v in model.get("software", {}).items())
    yield _fact("made with", ", ".join(filter(None, (lineage.get("code"), made))))
    yield _fact("loads in", _tried_in_words() if made else None)


def _architecture(sources: CardSources) -> Iterator[Entry]:
    model, training = sources.model, sources.training
    if training is None:
        yield _fact("settings of the training", None)
        return
    own, loop = training.model, training.train
    yield _fact(
        "backbone",
        f"{own.backbone.rpartition('/')[2]}, {own.weights.rpartition('/')[2]} weights",
    )
    yield _fact("frozen stages of the backbone", own.frozen_stages)
    yield _fact("trained parameters", model.get("num_parameters"))
    augmented = "augmented" if loop.augmentation.enabled else "not augmented"
    yield _fact(
        "training",
        f"at most {loop.epochs} epochs, the weights of epoch {model.get('best_epoch')} "
        f"(from 0), batches of {loop.batch_size}, first learning rate "
        f"{loop.learning_rate:g}, seed {loop.seed}, {augmented}",
    )


def _tried_in_words() -> str:
    tried = "; ".join(f"Keras {keras} on TensorFlow {tf}" for keras, tf in TRIED)
    return f"{tried}: .keras and .h5 predicted the same there in our tests"


def _factors(metrics: Document, sources: CardSources) -> Iterator[Entry]:
    whole = _never_split(sources)
    yield _fact("classes", ", ".join(sources.model.get("class_names", ())) or None)
    yield _fact("kept whole by the split", ", ".join(whole) or None)
    by_axis = metrics.get("by_axis", {})
    yield _fact(
        "judged one by one",
        "; ".join(f"{axis}: {len(found)} values" for axis, found in by_axis.items())
        or "nothing: the data set names no site, scanner or patient",
    )


def _never_split(sources: CardSources) -> list[str]:
    return list(sources.splits.get("rules", {}).get("never_split", ()))


def _metrics(metrics: Document) -> Iterator[Entry]:
    yield _fact(
        "figures",
        "on the sealed test, image by image, with the interval in brackets",
    )
    yield _fact(
        "intervals",
        "percentiles of a bootstrap over whole groups, drawn within each class; images "
        "of one group are not independent",
    )
    calibration = metrics.get("calibration", {})
    yield _fact(
        "probabilities",
        f"calibrated by temperature {_number(calibration.get('temperature'))}, fitted "
        f"on {str(calibration.get('fitted_on')).replace('_', ' ')}",
    )
    if abstention := metrics.get("abstention"):
        yield _fact(
            "referred to a person",
            f"below a probability of {_number(abstention['threshold'])}, chosen on "
            f"{str(abstention['chosen_on']).replace('_', ' ')} for an error of "
            f"{_number(abstention['max_error'])}",
        )
    if unfamiliar := (metrics.get("novelty") or {}).get("unfamiliar"):
        threshold = metrics["novelty"]["threshold"]
        yield _fact(
            "not tissue that it knows",
            f"above a novelty of {_number(threshold['value'])}, set on "
            f"{threshold['num_groups']} groups of validation; so are "
            f"{_number(unfamiliar['value'])} of the test",
        )


def _evaluation_data(metrics: Document, sources: CardSources) -> Iterator[Entry]:
    lineage = metrics["lineage"]
    yield _fact("data set", lineage.get("data set"))
    yield _fact("catalogue", lineage.get("catalogue"))
    yield _fact(
        "sealed test",
        f"{metrics['num_images']} images of {metrics['num_groups']} groups"
        f"{_by_class(sources, 'test')}",
    )
    yield _fact("evaluations that read it", lineage.get("readings of this test split"))
    checks = sources.splits.get("checks", ())
    failed = [check["name"] for check in checks if not check["is_passed"]]
    held = f"{len(checks) - len(failed)} of {len(checks)} hold"
    yield _fact(
        "checks of the split",
        ", ".join([held, *(f"NOT: {name}" for name in failed)]) if checks else None,
    )
    yield _fact("siblings that may go unseen", unseen_in_words(sources.splits))


def unseen_in_words(splits: Document) -> str:
    """Return what planted copies say of leaks that nobody sees.

    Args:
        splits: `splits.json`.
    """
    found = splits.get("unseen_siblings")
    if not found or not found["planted"]:
        return "not measured: no copies were planted"
    return (
        f"at most {found['upper_bound']:.1%} ({found['confidence']:.0%} confidence): "
        f"{found['unseen']} of {found['planted']} planted copies went unseen"
    )


def _by_class(sources: CardSources, split: str) -> str:
    counts = sources.splits.get("images", {}).get(split, {})
    found = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f": {found}" if found else ""


def _training_data(sources: CardSources) -> Iterator[Entry]:
    for split in ("train", "validation"):
        counts = sources.splits.get("images", {}).get(split)
        text = (
            f"{sum(counts.values())} images{_by_class(sources, split)}"
            if counts
            else None
        )
        yield _fact(split, text)
    if sources.model.get("is_refit"):
        yield _fact("refit", "the model learned from the validation split, too")


def _figures(metrics: Document) -> Iterator[Entry]:
    found = metrics["metrics"]
    for name, words in OVERALL.items():
        yield _fact(words, interval_in_words(found.get(name)))
    for metric in BY_CLASS:
        own = {
            n.partition("/")[2]: v
            for n, v in found.items()
            if n.startswith(f"{metric}/")
        }
        for label, value in own.items():
            yield _fact(f"{metric} of {label}", interval_in_words(value))
    for unit, judged in metrics.get("units", {}).items():
        if unit != "image":
            text = interval_in_words(judged["metrics"]["macro_f1"])
            yield _fact(f"macro F1 by {unit}", f"{text}, {judged['num_images']} units")
    yield from _compared(metrics)
    yield _fact(
        "calibration error",
        interval_in_words(calibration_error(metrics)),
    )
    yield from _by_axis(metrics)


def calibration_error(metrics: Document) -> Document | None:
    """Return the calibration error of calibrated probabilities, with its interval.

    Args:
        metrics: `metrics.json`.
    """
    own: Document | None = metrics.get("calibration", {}).get("calibrated")
    return own and own["error"]


def _compared(metrics: Document) -> Iterator[Entry]:
    for row in metrics.get("compared", ())[1:]:
        if row["is_valid"] and (own := row.get("judged_model_above")):
            yield _fact(
                f"macro F1 above {row['name']}", interval_in_words(own, sign="+")
            )
    yield _fact("verdict", metrics.get("verdict"))


def _by_axis(metrics: Document) -> Iterator[Entry]:
    for axis, values in metrics.get("by_axis", {}).items():
        for own in values:
            text = interval_in_words(own["metrics"]["macro_f1"])
            yield _fact(
                f"macro F1, {axis} {own['value']}",
                f"{text}, {own['num_groups']} groups",
            )


def interval_in_words(found: Document | None, *, sign: str = "") -> str:
    """Return an estimate with its interval.

    Args:
        found: `value`, `lower`, `upper`, or none.
        sign: `+` to write it before what is not negative.

    Example:
        >>> interval_in_words({"value": 0.951, "lower": 0.886, "upper": 0.989})
        '0.951 (0.886 to 0.989)'
    """
    if found is None:
        return NOT_KEPT
    value, lower, upper = (_number(found[n], sign) for n in ("value", "lower", "upper"))
    return f"{value} ({lower} to {upper})"


def _number(value: float | None, sign: str = "") -> str:
    return NOT_KEPT if value is None else f"{value:{sign}.3f}"


def _caveats(metrics: Document, sources: CardSources) -> Iterator[Entry]:
    yield _fact("more groups", metrics.get("forecast"))
    for alarm in sources.audit.get("alarms", ()):
        yield _fact("alarm of prepare", alarm["text"])
    for note in sources.splits.get("notes", ()):
        yield _fact("of the split", note)
    yield _fact("patients", _patients_in_words(sources.splits))
    yield _fact("clinical use", "not validated for it")


def _patients_in_words(splits: Document) -> str | None:
    if "rules" not in splits:
        return None
    whole = [axis for axis in splits["rules"]["never_split"] if axis != "family"]
    if whole:
        return f"the split keeps each {', '.join(whole)} whole"
    return "not known to the split: two tiles of one patient may lie on both sides"


def _composition(sources: CardSources) -> Iterator[Entry]:
    audit = sources.audit
    yield _fact("files listed", audit.get("listed"))
    yield _fact("by status", _counts(audit.get("status")))
    yield _fact("families (one source tile each)", audit.get("families"))
    yield _fact("groups (never split)", audit.get("groups"))
    for name, own in audit.get("classes", {}).items():
        yield _fact(
            f"class {name}",
            f"{own['kept']} images kept of {own['listed']}, {own['families']} "
            f"families, {own['groups']} groups",
        )
    yield _fact("pictures with several labels", _length(audit.get("conflicts")))
    several = audit.get("families_of_several_classes")
    yield _fact("families of several classes", _length(several))


def _preprocessing(metrics: Document, sources: CardSources) -> Iterator[Entry]:
    audit = sources.audit
    yield _fact("catalogue", metrics["lineage"].get("catalogue"))
    yield _fact("left out", _reasons(audit.get("reasons")))
    yield _fact("converted", _counts(audit.get("conversions")))
    for note in audit.get("notes", ()):
        yield _fact("note", note)
    yield _fact("unseen siblings", unseen_in_words(sources.splits))


def _length(found: Sequence[object] | None) -> int | None:
    return None if found is None else len(found)


def _reasons(reasons: Mapping[str, Mapping[str, int]] | None) -> str | None:
    if reasons is None:
        return None
    found = (f"{status}: {_counts(own)}" for status, own in reasons.items() if own)
    return "; ".join(found) or "nothing"


def _counts(counts: Mapping[str, int] | None) -> str | None:
    if counts is None:
        return None
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "none"

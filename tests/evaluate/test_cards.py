"""Model card and data sheet: facts on file, answers, and what is missing."""

from lcc.config.card import parse_card, questions
from lcc.config.settings import Settings
from lcc.evaluate.cards import CardSources, build_cards
from tests.builders.registered import full_card, some_metrics, some_splits

HEADINGS = {  # of the papers
    "model_card.md": [
        *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats and recommendations",
    ],
    "data_sheet.md": [
        *("Motivation", "Composition", "Collection", "Preprocessing and labelling"),
        *("Uses", "Distribution", "Maintenance"),
    ],
}


def some_sources(**changes: object) -> CardSources:
    plain = {
        "model": {"class_names": ["lung_n", "<b>"], "tile_size_px": 64},
        "training": Settings(),
        "splits": some_splits(),
        "audit": {"listed": 900, "status": {"kept": 890}, "alarms": [{"text": "big"}]},
        "source": "s3://lab/lung",
    }
    return CardSources(**(plain | changes))


def test_the_cards_have_the_sections_of_their_papers():
    for card in build_cards(some_metrics("train-1"), some_sources()):
        assert list(card.sections) == HEADINGS[card.file]
        assert [
            line.removeprefix("## ")
            for line in card.markdown().splitlines()
            if line.startswith("## ")
        ] == HEADINGS[card.file]


def test_facts_are_those_of_the_documents():
    model_card, data_sheet = build_cards(some_metrics("train-1"), some_sources())

    text = model_card.markdown()
    assert "- **macro F1**: 0.900 (0.850 to 0.950)" in text
    assert "- **backbone**: resnet50, imagenet weights" in text
    assert "- **alarm of prepare**: big" in text
    assert "0 of 300 planted copies went unseen" in text
    assert "- **files listed**: 900" in data_sheet.markdown()
    assert "- **source**: s3://lab/lung" in data_sheet.markdown()


def test_what_no_document_says_is_not_on_file_and_never_made_up():
    metrics = some_metrics("train-1")

    model_card, data_sheet = build_cards(metrics, CardSources())

    lines = model_card.markdown().splitlines()
    for name in ("input", "output", "patients", "checks of the split", "train"):
        assert f"- **{name}**: not on file" in lines
    for name in ("pictures with several labels", "by status", "source"):
        assert f"- **{name}**: not on file" in data_sheet.markdown()


def test_every_question_without_an_answer_is_marked():
    cards = build_cards(some_metrics("train-1"), some_sources())

    missing = [question for card in cards for question in card.missing]
    assert sorted(missing) == sorted(questions())
    for card in cards:
        assert card.markdown().count("**MISSING**") == len(card.missing)


def test_answers_stand_in_the_cards_as_they_were_written():
    answers = parse_card(full_card().encode(), source="card.yaml")

    cards = build_cards(some_metrics("train-1"), some_sources(answers=answers))

    assert [card.missing for card in cards] == [(), ()]
    assert "- **licence**: Known *well*." in cards[1].markdown()


def test_names_of_classes_are_no_markup():
    model_card, _ = build_cards(some_metrics("train-1"), some_sources())

    assert r"\<b\>" in model_card.markdown()

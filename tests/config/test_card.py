"""What a person says for the cards: read, checked, and what is left open."""

import pytest

from lcc.config.card import empty_card, parse_card, questions
from lcc.errors import ConfigError
from tests.builders.registered import full_card


def test_an_empty_card_is_read_and_lacks_every_answer():
    answers = parse_card(empty_card().encode(), source="card.yaml")

    assert answers.missing() == tuple(questions())


def test_a_card_with_every_answer_lacks_none():
    assert parse_card(full_card().encode(), source="card.yaml").missing() == ()


def test_all_faults_of_a_card_are_told_at_once():
    text = b"model: {licensee: MIT, contact: [a]}\ndata: none\nowner: me\n"

    with pytest.raises(ConfigError) as caught:
        parse_card(text, source="card.yaml")

    contact, licence, data, owner = caught.value.faults
    assert contact.startswith("evaluate.card: card.yaml: model.contact: must be text")
    assert licence.endswith("Did you mean model.licence?")
    assert "data: must be a mapping of questions, got 'none'" in data
    assert "owner: must be a question of the card" in owner


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"\xff", "must be text in UTF-8, got byte 0xff", id="bytes"),
        pytest.param(b"model: {a: 1, a: 2}", "key 'a' stands twice", id="twice"),
        pytest.param(b"- a", "must be a mapping of questions", id="list"),
    ],
)
def test_a_file_that_is_no_card_is_refused(content: bytes, expected: str):
    with pytest.raises(ConfigError, match=expected):
        parse_card(content, source="card.yaml")

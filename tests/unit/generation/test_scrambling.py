"""How texts travel to a model and back: what is hidden, mended, shown, kept, and what ends a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.document import CodeSpan, Document, Link, Paragraph, Section, Table, TableCell, Text
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.chat import Answer, Message
from chalicelib.generation.errors import PrivacyFailed
from chalicelib.generation.guards import Flaw, judge
from chalicelib.generation.markdown_text import words
from chalicelib.generation.restoring import Restoring
from chalicelib.generation.scrambling import (
    WITHHELD,
    ScrambledModel,
    Scrambling,
    Unscrambled,
    hidden_assignment,
    usable_checkpoints,
)
from chalicelib.generation.usage import Usage
from chalicelib.privacy.detect import rules
from chalicelib.privacy.token_map import TokenMap
from tests.support.scrambled import Kept, scrambled

EMAIL = "anna.kern@example.org"
KNOWN = f"Anna Kern ({EMAIL}) called from +49 30 90182017."


class Echo:
    """A model that says what it was sent, or what it was told to say."""

    model = "echo"

    def __init__(self, answer: str = "") -> None:
        self.sent: list[Sequence[Message]] = []
        self._answer = answer

    def complete(self, messages: Sequence[Message], **_: Any) -> Answer:
        self.sent.append(messages)
        return Answer(self._answer or messages[-1]["content"], "stop", Usage(), self.model)


def ask(texts: Scrambling | Unscrambled, content: str, answer: str = "") -> tuple[Sequence[Message], str]:
    model = Echo(answer)
    gate = ScrambledModel(model, texts)
    messages: list[Message] = [{"role": "system", "content": "You write."}, {"role": "user", "content": content}]
    said = gate.complete(
        messages,
        max_tokens=10,
        check=lambda: None,
        remaining_seconds=lambda: 1.0,
        schema=None,
        stop_when=None,
        meter=None,
    )
    return model.sent[0], said.text


def test_what_nobody_hid_before_is_hidden_at_the_gate() -> None:
    sent, said = ask(scrambled(), f"Write to {EMAIL}.")
    assert EMAIL not in str(sent)
    assert said == "Write to ⟦EMAIL_1⟧."


def test_the_model_is_told_what_tokens_are_where_there_are_any() -> None:
    sent, _ = ask(scrambled(), f"Write to {EMAIL}.")
    assert sent[0]["content"].startswith("You write.")
    assert "Marks such as ⟦EMAIL_1⟧" in sent[0]["content"]
    sent, _ = ask(scrambled(), "Write on bees.")
    assert sent[0]["content"] == "You write."


def test_the_gate_lets_tokens_pass_and_hides_what_stands_beside_them() -> None:
    texts = scrambled()
    hidden = texts.hide(f"Ask {EMAIL}")
    sent, _ = ask(texts, f"{hidden} or 10.77.31.204 about ⟦EMAIL_9⟧")
    assert sent[1]["content"] == "Ask ⟦EMAIL_1⟧ or ⟦IP_1⟧ about ⟦TEXT_1⟧"


def test_without_scrambling_nothing_is_changed() -> None:
    sent, said = ask(Unscrambled(), f"Write to {EMAIL} about ⟦EMAIL_9⟧.")
    assert sent[1]["content"] == said == f"Write to {EMAIL} about ⟦EMAIL_9⟧."
    assert Unscrambled().counts is None


def test_an_answer_is_mended_and_a_made_up_token_is_marked() -> None:
    texts = scrambled()
    _, said = ask(texts, f"Write to {EMAIL}.", "Ask **[Email 1]**, not ⟦EMAIL_7⟧.")
    assert said == f"Ask **⟦EMAIL_1⟧**, not {WITHHELD}."
    assert texts.show(said) == f"Ask **{EMAIL}**, not {WITHHELD}."


def test_a_masked_text_says_of_what_kind_each_value_is_and_keeps_what_is_not_private() -> None:
    texts = scrambled()
    hidden = texts.hide(f"Ask {EMAIL} at 10.77.31.204, not ⟦EMAIL_9⟧.")
    assert texts.masked(hidden) == "Ask (email 1) at (ip address 1), not ⟦EMAIL_9⟧."
    assert texts.masked("See [Email 1] and ⟦PERSON_4⟧.") == f"See (email 1) and {WITHHELD}."
    assert Unscrambled().masked(f"Ask {EMAIL}.") == f"Ask {EMAIL}."


def test_somebody_s_own_mark_is_theirs_and_no_sign_of_a_failure() -> None:
    texts = scrambled()
    hidden = texts.hide(f"The name is {WITHHELD} for now.")
    assert WITHHELD not in hidden
    assert texts.show(texts.mend(hidden)) == f"The name is {WITHHELD} for now."


def test_who_is_known_from_one_text_is_hidden_in_all() -> None:
    order = Assignment(
        "r", "The Kern file", "Born on 14.03.1961: A. Kern", "Write about 14.03.1961.", "Bee", "2026-01-01",
        context='{"customer": {"name": "Anna Kern", "log": "a line\\nmail: anna.kern@example.org"}}',
        conversation=(EarlierReport("Kern before", "It was on 1.2.1955.", (("date_of_birth", "1.2.1955"),)),),
    )  # fmt: skip
    hidden = hidden_assignment(order, scrambled())
    assert "Kern" not in str(hidden)
    assert "1961" not in str(hidden)
    assert "1955" not in str(hidden)
    assert EMAIL not in str(hidden)
    assert hidden.context.startswith("customer:\n  name: ⟦PERSON_1")


def test_counts_are_of_the_owner_s_texts_not_of_what_a_model_made_up() -> None:
    texts = scrambled()
    texts.learn([KNOWN, f"Again {EMAIL}"])
    texts.hide_again("Ask bert.boss@example.com")
    assert texts.counts == {"email": 1, "phone": 1, "person": 1}


def test_tokens_are_kept_once_for_all_that_is_new() -> None:
    kept = Kept()
    texts = kept.scrambling()
    texts.secure()
    assert kept.versions == []
    texts.hide(KNOWN)
    texts.secure()
    texts.secure()
    texts.hide(KNOWN)
    texts.secure()
    assert len(kept.versions) == 1
    again = kept.scrambling()
    assert again.show("⟦EMAIL_1⟧") == EMAIL
    again.secure()
    assert len(kept.versions) == 1


def test_checkpoints_are_used_only_with_all_their_tokens() -> None:
    texts = scrambled()
    pieces = {"section-01": texts.hide(KNOWN), "usage": "{}"}
    assert usable_checkpoints(pieces, texts) == pieces
    assert usable_checkpoints(pieces, scrambled()) is None
    assert usable_checkpoints({"section-01": "plain"}, scrambled()) == {"section-01": "plain"}


class Broken:
    def detect(self, text: str) -> list[Any]:
        raise ValueError(text)


def test_a_detector_that_fails_ends_the_report_and_its_error_says_nothing() -> None:
    texts = Scrambling(TokenMap(), Broken(), lambda _: None)
    for work in (texts.hide, lambda text: texts.learn([text])):
        with pytest.raises(PrivacyFailed) as failure:
            work(KNOWN)
        assert "Kern" not in str(failure.value)
        assert failure.value.__cause__ is None


def test_what_keeps_tokens_may_end_the_report() -> None:
    def refuse(_: str) -> None:
        raise PrivacyFailed("no vault")

    texts = Scrambling(TokenMap(), rules(), refuse)
    texts.hide(KNOWN)
    with pytest.raises(PrivacyFailed, match="no vault"):
        texts.secure()


def test_a_token_is_one_word_for_who_counts_them() -> None:
    assert words("⟦PERSON_1⟧ met ⟦PERSON_2B⟧.") == 3


def test_a_text_with_a_made_up_token_is_flawed() -> None:
    text = " ".join(f"word{number}" for number in range(30))
    assert judge(f"{text}.", prompts=()) is None
    assert judge(f"{text} {WITHHELD}.", prompts=()) is Flaw.UNKNOWN_TOKEN


def test_values_come_back_into_every_kind_of_text_and_are_no_markup() -> None:
    texts = scrambled()
    email, person = texts.hide(EMAIL), texts.hide("Mr John **O'Neill**")
    blocks = (
        Paragraph(children=(Text(text=f"{person} wrote"), CodeSpan(text=email))),
        Paragraph(children=(Link(href="mailto:%E2%9F%A6EMAIL_1%E2%9F%A7", children=(Text(text=email),)),)),
        Table(header=(TableCell(children=(Text(text=email),)),), alignments=("left",), rows=()),
        Paragraph(children=(Text(text=f"{WITHHELD} and ⟦PHONE_9⟧"),)),
    )
    document = Document(
        report_id="r", title="T", created_at="x", model="m", sections=(Section(id="s", title=email, blocks=blocks),)
    )
    restoring = Restoring(texts)
    (section,) = restoring.restored(document).sections
    assert section.title == EMAIL
    assert section.blocks[0] == Paragraph(children=(Text(text="Mr John **O'Neill** wrote"), CodeSpan(text=EMAIL)))
    assert section.blocks[1] == Paragraph(children=(Link(href=f"mailto:{EMAIL}", children=(Text(text=EMAIL),)),))
    assert EMAIL in str(section.blocks[2])
    assert "PHONE" not in str(section.blocks[3])
    assert restoring.withheld == 2


def test_what_was_private_in_an_earlier_report_stays_so_in_one_that_is_not_scrambled() -> None:
    """The earlier one may have been ordered with a template that requires scrambling."""
    earlier = EarlierReport("On Anna Kern", f"Anna Kern wrote to {EMAIL}.", (("person", "Anna Kern"), ("email", EMAIL)))
    order = Assignment("r", "Title", "", f"Ask {EMAIL}.", "T", "2026-01-01T00:00:00Z", conversation=(earlier,))
    hidden = hidden_assignment(order, Unscrambled())
    assert hidden.query == f"Ask {EMAIL}."
    assert hidden.conversation == (EarlierReport("On (person)", "(person) wrote to (email)."),)

"""The form for a supplier's answer: what it says, what it does not, and what comes back."""

from datetime import date

import pytest

from signal_makers import make_signal
from symbolon.errors import SignalError
from symbolon.signals.reply_form import ReplyForm, case_code, read_form, told_by_default, write_form

CODE = case_code(bytes(range(16)))
FORM = ReplyForm(
    CODE,
    "Blue River Garments Ltd",
    ("What was reported: isolation.",),
    "a member",
    "by mail",
    date(2026, 7, 1),
)


def filled(answer: str) -> str:
    return write_form(FORM).replace("\n\n\n\n-----", f"\n{answer}\n-----")


def test_form_has_code_addressee_and_room_and_says_it_is_no_finding() -> None:
    text = write_form(FORM)
    assert f"Case code: {CODE}" in text
    assert "Blue River Garments Ltd" in text
    assert "What was reported: isolation." in text
    assert "no finding of fact" in text
    assert text.index("[[ANSWER]]") < text.index("[[END]]")


def test_form_tells_nothing_of_evidence_confidence_narrative_or_source() -> None:
    signal = make_signal()
    told = " ".join(told_by_default(signal.indicators, signal.period))
    assert told == "What was reported: withholding of wages, debt bondage. When: 2026-02 to 2026-05."
    for secret in ("interview", "70", "Workers repay", "usually reliable"):
        assert secret not in told


def test_form_shows_what_could_deceive_as_marks() -> None:
    nasty = ReplyForm(CODE, "A\x1b[2J\nTo: B", ("x\u202e[[y",), "s\r\n", "r\t", date(2026, 7, 1))
    text = write_form(nasty)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nTo: B" not in text


def test_read_form_that_was_not_filled_in_says_so() -> None:
    with pytest.raises(SignalError, match="no answer"):
        read_form(write_form(FORM))


def test_read_form_keeps_paragraphs_and_drops_control_characters() -> None:
    assert read_form(filled("First.\r\n\r\nSecond \x1b[31mred\x07.")) == (
        CODE,
        "First.\n\nSecond [31mred.",
    )


def test_read_form_translated_by_somebody_is_found_by_its_marks() -> None:
    text = f"Código: {CODE.lower()}\n*** [[ANSWER]] escriba aquí\nNo es así.\n*** [[END]] fin\n"
    assert read_form(text) == (CODE, "No es así.")


def test_read_form_takes_a_code_within_the_answer_for_a_text() -> None:
    other = case_code(b"another case at all")
    assert read_form(filled(f"See also {other}.")) == (CODE, f"See also {other}.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (filled("yes").replace(CODE, "lost"), "no case code"),
        (filled("yes") + f"\n{case_code(bytes(16))}", "several case codes"),
        (filled("yes").replace("[[END]]", ""), "not exactly one"),
        (filled("yes") + filled("no"), "not exactly one"),
        ("-- [[END]]\n-- [[ANSWER]]\n", "not exactly one"),
        ("", "not exactly one"),
    ],
)
def test_read_form_that_is_not_whole_is_refused_with_what_mends_it(text: str, said: str) -> None:
    with pytest.raises(SignalError, match=said) as caught:
        read_form(text)
    assert caught.value.full_code == "signal.form"
    assert caught.value.hint


def test_case_code_avoids_letters_that_look_alike() -> None:
    codes = "".join(case_code(bytes([each]) * 10) for each in range(256)).replace("RR-", "")
    assert not set(codes) & set("ILOU")

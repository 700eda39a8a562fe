"""What a receiver is bound to by a result, and how its operator is told."""

import pytest

from symbolon.audit.document import Document
from symbolon.audit.receipt import Result
from symbolon.errors import RemoteProtocolError
from symbolon.policy.enforcement import Terms
from symbolon.rpc.receiver_session import Signed

DOCUMENT = Document("request", b"{}\n", {})


def signed(terms: str) -> Signed:
    return Signed(DOCUMENT, DOCUMENT, Result("0" * 64, {}, {}, "0" * 64, terms, 0, ""))


@pytest.mark.parametrize(
    ("terms", "bound", "words"),
    [
        ("", Terms(False, None), ""),
        ("no_onward", Terms(True, None), " By its terms what was learned is not to be passed on."),
        (
            "retain(1)",
            Terms(False, 1),
            " By its terms what was learned is to be erased after 1 day, which this node does with its own "
            "copy.",
        ),
        (
            "no_onward; retain(30)",
            Terms(True, 30),
            " By its terms what was learned is not to be passed on and is to be erased after 30 days, "
            "which this node does with its own copy.",
        ),
        # What binds the sender alone binds nobody here.
        ("delay(3)", Terms(False, None), ""),
    ],
)
def test_terms_are_read_and_told(terms: str, bound: Terms, words: str) -> None:
    assert signed(terms).terms == bound
    assert signed(terms).terms_words == words


@pytest.mark.parametrize(
    "terms", ["burn", "retain(0)", "retain", "no_onward;", "retain(1); retain(2)", "\x1b[2J"]
)
def test_terms_that_are_not_understood_are_refused(terms: str) -> None:
    for read in (lambda: signed(terms).terms, lambda: signed(terms).terms_words):
        with pytest.raises(RemoteProtocolError) as caught:
            read()
        assert caught.value.full_code == "protocol.receipt"

from collections.abc import Iterator

import grpc
import pytest

import symbolon.rpc.node
import symbolon.storage.import_report  # noqa: F401 - so that every error of the node is defined
from symbolon.errors import (
    BudgetError,
    InvalidElementError,
    LocalProtocolError,
    MembershipError,
    PermissionDeniedError,
    RemoteProtocolError,
    StaleEpochError,
    StorageError,
    SymbolonError,
    UnavailableError,
    UnknownSuiteError,
)
from symbolon.rpc.status import (
    answered_code,
    answered_status,
    from_failure,
    from_status,
    public_code,
    public_message,
    to_status,
)

DETAIL = "supplier 4711 of /srv/home, key f00f"


def every_error() -> Iterator[type[SymbolonError]]:
    waiting = [SymbolonError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


ERRORS = sorted(set(every_error()), key=lambda kind: kind.__name__)


def made(kind: type[SymbolonError]) -> SymbolonError:
    """An error of a kind, whatever its own constructor takes."""
    error = kind.__new__(kind)
    SymbolonError.__init__(error, DETAIL, hint=f"look at {DETAIL}")
    return error


def test_error_tree_is_not_empty() -> None:
    assert len(ERRORS) >= 15


@pytest.mark.parametrize("kind", ERRORS)
def test_status_of_every_error_is_one_and_never_ok(kind: type[SymbolonError]) -> None:
    status = to_status(made(kind))
    assert isinstance(status, grpc.StatusCode)
    assert status is not grpc.StatusCode.OK
    assert status is not grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("kind", ERRORS)
def test_public_text_of_every_error_holds_no_detail_and_no_hint(kind: type[SymbolonError]) -> None:
    error = made(kind)
    for text in (public_message(error), public_code(error)):
        assert text
        assert text.isascii()
        for secret in ("4711", "/srv", "f00f", "look at"):
            assert secret not in text


@pytest.mark.parametrize("error", [ValueError(DETAIL), KeyError("x"), MemoryError(), RecursionError()])
def test_anything_unexpected_is_internal_and_says_no_more(error: Exception) -> None:
    assert to_status(error) is grpc.StatusCode.INTERNAL
    assert (public_code(error), public_message(error)) == ("internal", "internal error")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (StaleEpochError, grpc.StatusCode.FAILED_PRECONDITION),
        (InvalidElementError, grpc.StatusCode.INVALID_ARGUMENT),
        (UnknownSuiteError, grpc.StatusCode.INVALID_ARGUMENT),
        (RemoteProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
        (PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
        (BudgetError, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (MembershipError, grpc.StatusCode.UNAUTHENTICATED),
        (UnavailableError, grpc.StatusCode.UNAVAILABLE),
        (StorageError, grpc.StatusCode.UNAVAILABLE),
        (LocalProtocolError, grpc.StatusCode.INTERNAL),
    ],
)
def test_status_of_an_error_is_the_one_that_fits(kind: type[SymbolonError], status: grpc.StatusCode) -> None:
    assert to_status(made(kind)) is status


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (StaleEpochError, 75),
        (UnavailableError, 75),
        (StorageError, 75),
        (RemoteProtocolError, 76),
        (InvalidElementError, 76),
        (UnknownSuiteError, 76),
        (PermissionDeniedError, 77),
        (BudgetError, 77),
        (MembershipError, 77),
        (LocalProtocolError, 75),
        (SymbolonError, 75),
    ],
)
def test_error_that_crossed_the_wire_ends_the_caller_with_the_right_exit_code(
    kind: type[SymbolonError], exit_code: int
) -> None:
    """75: try again. A defect at the peer is none of the caller's protocol errors."""
    told = from_failure("farm", public_code(made(kind)))
    assert told.exit_code == exit_code
    assert told.hint


@pytest.mark.parametrize("kind", [StaleEpochError, UnknownSuiteError, PermissionDeniedError, BudgetError])
def test_error_that_crossed_the_wire_is_of_its_kind_again(kind: type[SymbolonError]) -> None:
    assert type(from_failure("farm", public_code(made(kind)))) is kind


@pytest.mark.parametrize("code", ["permission.size_sessions", "permission.small", "permission.denied"])
def test_refusal_keeps_its_narrow_code(code: str) -> None:
    error = PermissionDeniedError(DETAIL, code=code)
    assert from_failure("farm", public_code(error)).full_code == code


def test_membership_refusal_tells_the_peer_no_step() -> None:
    """Which step of verification failed is for this node's log."""
    assert public_code(MembershipError(DETAIL, code="membership.tls_version")) == "membership"


@pytest.mark.parametrize("code", ["membership.invitation.used", "membership.statement.stale", "membership.x"])
def test_membership_refusal_of_a_request_tells_a_known_caller_which_rule_it_broke(code: str) -> None:
    error = MembershipError(DETAIL, code=code)
    assert answered_status(error) is grpc.StatusCode.FAILED_PRECONDITION
    told = from_failure("farm", answered_code(error))
    assert (type(told), told.full_code, told.exit_code) == (MembershipError, code, 77)
    assert told.hint
    assert DETAIL not in told.detail


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if not issubclass(kind, MembershipError)])
def test_other_errors_tell_a_known_caller_no_more_than_a_stranger(kind: type[SymbolonError]) -> None:
    error = made(kind)
    assert (answered_code(error), answered_status(error)) == (public_code(error), to_status(error))


@pytest.mark.parametrize(
    "code", ["", "permission\nforged: line", "Permission", "x" * 65, "peer.é", "a b", "\x1b[31m", "1a"]
)
def test_code_that_is_none_is_taken_for_an_unknown_one(code: str) -> None:
    told = from_failure("farm", code)
    assert type(told) is UnavailableError
    assert "\n" not in told.detail
    assert "\x1b" not in told.detail


@pytest.mark.parametrize("code", ["peer.é", "peer.a b", "peer." + "x" * 100, "peer.\n"])
def test_code_that_a_peer_made_up_is_not_passed_on(code: str) -> None:
    """Trailing metadata takes ASCII only: a peer's text in it would break the answer."""
    assert public_code(RemoteProtocolError(DETAIL, code=code)) == "protocol.remote"


def call_error(status: grpc.StatusCode, *trailing: tuple[str, str]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=DETAIL)


@pytest.mark.parametrize("status", [each for each in grpc.StatusCode if each is not grpc.StatusCode.OK])
def test_call_that_ended_without_a_code_asks_to_try_again(status: grpc.StatusCode) -> None:
    told = from_status("farm", call_error(status))
    assert told.exit_code == 75
    assert DETAIL not in told.detail


def test_call_that_ended_with_a_code_is_told_by_the_code() -> None:
    error = call_error(grpc.StatusCode.UNKNOWN, ("symbolon-code", "budget.exhausted"))
    assert type(from_status("farm", error)) is BudgetError

from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AskRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: ReceiverMessage
    def __init__(self, message: _Optional[_Union[ReceiverMessage, _Mapping]] = ...) -> None: ...

class AskResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: SenderMessage
    def __init__(self, message: _Optional[_Union[SenderMessage, _Mapping]] = ...) -> None: ...

class OfferRequest(_message.Message):
    __slots__ = ("invitation", "message")
    INVITATION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    invitation: Invitation
    message: SenderMessage
    def __init__(self, invitation: _Optional[_Union[Invitation, _Mapping]] = ..., message: _Optional[_Union[SenderMessage, _Mapping]] = ...) -> None: ...

class OfferResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: ReceiverMessage
    def __init__(self, message: _Optional[_Union[ReceiverMessage, _Mapping]] = ...) -> None: ...

class Invitation(_message.Message):
    __slots__ = ("mode", "purpose", "tiers")
    MODE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    purpose: str
    tiers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mode: _Optional[str] = ..., purpose: _Optional[str] = ..., tiers: _Optional[_Iterable[str]] = ...) -> None: ...

class ReceiverMessage(_message.Message):
    __slots__ = ("hello", "elements", "failure", "receipt")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    elements: Elements
    failure: Failure
    receipt: Receipt
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., elements: _Optional[_Union[Elements, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class SenderMessage(_message.Message):
    __slots__ = ("accept", "evaluated", "entries", "withdrawn", "finish", "failure", "working")
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    WORKING_FIELD_NUMBER: _ClassVar[int]
    accept: Accept
    evaluated: Evaluated
    entries: Entries
    withdrawn: Withdrawn
    finish: Finish
    failure: Failure
    working: Working
    def __init__(self, accept: _Optional[_Union[Accept, _Mapping]] = ..., evaluated: _Optional[_Union[Evaluated, _Mapping]] = ..., entries: _Optional[_Union[Entries, _Mapping]] = ..., withdrawn: _Optional[_Union[Withdrawn, _Mapping]] = ..., finish: _Optional[_Union[Finish, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., working: _Optional[_Union[Working, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("session_id", "suite", "coalition", "area", "mode", "purpose", "epoch", "tiers", "group_size", "key_rules", "request")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    COALITION_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    GROUP_SIZE_FIELD_NUMBER: _ClassVar[int]
    KEY_RULES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    session_id: bytes
    suite: str
    coalition: str
    area: str
    mode: str
    purpose: str
    epoch: int
    tiers: _containers.RepeatedCompositeFieldContainer[TierAsk]
    group_size: int
    key_rules: bytes
    request: SignedRequest
    def __init__(self, session_id: _Optional[bytes] = ..., suite: _Optional[str] = ..., coalition: _Optional[str] = ..., area: _Optional[str] = ..., mode: _Optional[str] = ..., purpose: _Optional[str] = ..., epoch: _Optional[int] = ..., tiers: _Optional[_Iterable[_Union[TierAsk, _Mapping]]] = ..., group_size: _Optional[int] = ..., key_rules: _Optional[bytes] = ..., request: _Optional[_Union[SignedRequest, _Mapping]] = ...) -> None: ...

class SignedRequest(_message.Message):
    __slots__ = ("hour", "checkpoint", "signature")
    HOUR_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    hour: int
    checkpoint: str
    signature: bytes
    def __init__(self, hour: _Optional[int] = ..., checkpoint: _Optional[str] = ..., signature: _Optional[bytes] = ...) -> None: ...

class TierAsk(_message.Message):
    __slots__ = ("tier", "elements", "have_delta")
    TIER_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    HAVE_DELTA_FIELD_NUMBER: _ClassVar[int]
    tier: str
    elements: int
    have_delta: int
    def __init__(self, tier: _Optional[str] = ..., elements: _Optional[int] = ..., have_delta: _Optional[int] = ...) -> None: ...

class Elements(_message.Message):
    __slots__ = ("tier", "offset", "data")
    TIER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    tier: str
    offset: int
    data: bytes
    def __init__(self, tier: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Accept(_message.Message):
    __slots__ = ("epoch", "tiers", "key_rules")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    KEY_RULES_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    tiers: _containers.RepeatedCompositeFieldContainer[TierOffer]
    key_rules: bytes
    def __init__(self, epoch: _Optional[int] = ..., tiers: _Optional[_Iterable[_Union[TierOffer, _Mapping]]] = ..., key_rules: _Optional[bytes] = ...) -> None: ...

class TierOffer(_message.Message):
    __slots__ = ("tier", "tag_bytes", "deltas", "withdrawn")
    TIER_FIELD_NUMBER: _ClassVar[int]
    TAG_BYTES_FIELD_NUMBER: _ClassVar[int]
    DELTAS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    tier: str
    tag_bytes: int
    deltas: _containers.RepeatedCompositeFieldContainer[DeltaHeader]
    withdrawn: int
    def __init__(self, tier: _Optional[str] = ..., tag_bytes: _Optional[int] = ..., deltas: _Optional[_Iterable[_Union[DeltaHeader, _Mapping]]] = ..., withdrawn: _Optional[int] = ...) -> None: ...

class DeltaHeader(_message.Message):
    __slots__ = ("number", "entries")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    number: int
    entries: int
    def __init__(self, number: _Optional[int] = ..., entries: _Optional[int] = ...) -> None: ...

class Evaluated(_message.Message):
    __slots__ = ("tier", "offset", "data")
    TIER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    tier: str
    offset: int
    data: bytes
    def __init__(self, tier: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Entries(_message.Message):
    __slots__ = ("tier", "delta", "offset", "data")
    TIER_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    tier: str
    delta: int
    offset: int
    data: bytes
    def __init__(self, tier: _Optional[str] = ..., delta: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Withdrawn(_message.Message):
    __slots__ = ("tier", "offset", "data")
    TIER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    tier: str
    offset: int
    data: bytes
    def __init__(self, tier: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Finish(_message.Message):
    __slots__ = ("result", "signature")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    signature: bytes
    def __init__(self, result: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("signature",)
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    def __init__(self, signature: _Optional[bytes] = ...) -> None: ...

class Working(_message.Message):
    __slots__ = ("tier", "done", "total")
    TIER_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    tier: str
    done: int
    total: int
    def __init__(self, tier: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

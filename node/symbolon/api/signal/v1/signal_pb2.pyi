from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class WatchRequest(_message.Message):
    __slots__ = ("purpose",)
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    def __init__(self, purpose: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("news",)
    NEWS_FIELD_NUMBER: _ClassVar[int]
    news: int
    def __init__(self, news: _Optional[int] = ...) -> None: ...

class CountRequest(_message.Message):
    __slots__ = ("purpose",)
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    def __init__(self, purpose: _Optional[str] = ...) -> None: ...

class CountResponse(_message.Message):
    __slots__ = ("signals",)
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    signals: int
    def __init__(self, signals: _Optional[int] = ...) -> None: ...

class GetNarrativeRequest(_message.Message):
    __slots__ = ("signal_id", "purpose", "revision")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    purpose: str
    revision: int
    def __init__(self, signal_id: _Optional[bytes] = ..., purpose: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class GetNarrativeResponse(_message.Message):
    __slots__ = ("narrative", "revision", "signature", "padding")
    NARRATIVE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    narrative: str
    revision: int
    signature: bytes
    padding: bytes
    def __init__(self, narrative: _Optional[str] = ..., revision: _Optional[int] = ..., signature: _Optional[bytes] = ..., padding: _Optional[bytes] = ...) -> None: ...

class ContestRequest(_message.Message):
    __slots__ = ("signal_id", "purpose", "kind", "text", "relayed_on", "padding")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RELAYED_ON_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    purpose: str
    kind: str
    text: str
    relayed_on: str
    padding: bytes
    def __init__(self, signal_id: _Optional[bytes] = ..., purpose: _Optional[str] = ..., kind: _Optional[str] = ..., text: _Optional[str] = ..., relayed_on: _Optional[str] = ..., padding: _Optional[bytes] = ...) -> None: ...

class ContestResponse(_message.Message):
    __slots__ = ("state", "reason")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: str
    reason: str
    def __init__(self, state: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CorroborateRequest(_message.Message):
    __slots__ = ("signal_id", "purpose")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    purpose: str
    def __init__(self, signal_id: _Optional[bytes] = ..., purpose: _Optional[str] = ...) -> None: ...

class CorroborateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("signal_id", "purpose")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    purpose: str
    def __init__(self, signal_id: _Optional[bytes] = ..., purpose: _Optional[str] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EntrustRequest(_message.Message):
    __slots__ = ("document", "signature", "shown_as", "reviewed", "padding")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SHOWN_AS_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    document: bytes
    signature: bytes
    shown_as: str
    reviewed: bool
    padding: bytes
    def __init__(self, document: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., shown_as: _Optional[str] = ..., reviewed: _Optional[bool] = ..., padding: _Optional[bytes] = ...) -> None: ...

class EntrustResponse(_message.Message):
    __slots__ = ("signal_id", "revision", "shown_as")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SHOWN_AS_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    revision: int
    shown_as: str
    def __init__(self, signal_id: _Optional[bytes] = ..., revision: _Optional[int] = ..., shown_as: _Optional[str] = ...) -> None: ...

class EntrustedRequest(_message.Message):
    __slots__ = ("signal_id",)
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    def __init__(self, signal_id: _Optional[bytes] = ...) -> None: ...

class EntrustedResponse(_message.Message):
    __slots__ = ("signal_id", "revision", "shown_as", "state", "taken", "dispute", "dispute_since", "statement", "reply", "reply_received", "disclosed", "padding")
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SHOWN_AS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_SINCE_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    REPLY_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    DISCLOSED_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    signal_id: bytes
    revision: int
    shown_as: str
    state: str
    taken: int
    dispute: str
    dispute_since: str
    statement: str
    reply: str
    reply_received: str
    disclosed: int
    padding: bytes
    def __init__(self, signal_id: _Optional[bytes] = ..., revision: _Optional[int] = ..., shown_as: _Optional[str] = ..., state: _Optional[str] = ..., taken: _Optional[int] = ..., dispute: _Optional[str] = ..., dispute_since: _Optional[str] = ..., statement: _Optional[str] = ..., reply: _Optional[str] = ..., reply_received: _Optional[str] = ..., disclosed: _Optional[int] = ..., padding: _Optional[bytes] = ...) -> None: ...

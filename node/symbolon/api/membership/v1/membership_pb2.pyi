from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetMetadataRequest(_message.Message):
    __slots__ = ("root_version", "timestamp_version")
    ROOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_VERSION_FIELD_NUMBER: _ClassVar[int]
    root_version: int
    timestamp_version: int
    def __init__(self, root_version: _Optional[int] = ..., timestamp_version: _Optional[int] = ...) -> None: ...

class GetMetadataResponse(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class JoinRequest(_message.Message):
    __slots__ = ("csr_pem", "signing_key", "endpoint", "relays", "relay_endpoint", "acceptance", "attested_on", "proof")
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    RELAYS_FIELD_NUMBER: _ClassVar[int]
    RELAY_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCE_FIELD_NUMBER: _ClassVar[int]
    ATTESTED_ON_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    csr_pem: bytes
    signing_key: bytes
    endpoint: str
    relays: _containers.RepeatedScalarFieldContainer[str]
    relay_endpoint: str
    acceptance: Acceptance
    attested_on: str
    proof: bytes
    def __init__(self, csr_pem: _Optional[bytes] = ..., signing_key: _Optional[bytes] = ..., endpoint: _Optional[str] = ..., relays: _Optional[_Iterable[str]] = ..., relay_endpoint: _Optional[str] = ..., acceptance: _Optional[_Union[Acceptance, _Mapping]] = ..., attested_on: _Optional[str] = ..., proof: _Optional[bytes] = ...) -> None: ...

class Acceptance(_message.Message):
    __slots__ = ("terms_version", "on", "person")
    TERMS_VERSION_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    terms_version: str
    on: str
    person: str
    def __init__(self, terms_version: _Optional[str] = ..., on: _Optional[str] = ..., person: _Optional[str] = ...) -> None: ...

class JoinResponse(_message.Message):
    __slots__ = ("certificate_pem", "pending")
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    certificate_pem: bytes
    pending: bool
    def __init__(self, certificate_pem: _Optional[bytes] = ..., pending: _Optional[bool] = ...) -> None: ...

class CheckBackRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckBackResponse(_message.Message):
    __slots__ = ("reached", "code")
    REACHED_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    reached: bool
    code: str
    def __init__(self, reached: _Optional[bool] = ..., code: _Optional[str] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("csr_pem", "statement", "signature")
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    csr_pem: bytes
    statement: bytes
    signature: bytes
    def __init__(self, csr_pem: _Optional[bytes] = ..., statement: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class RenewResponse(_message.Message):
    __slots__ = ("certificate_pem", "pending")
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    certificate_pem: bytes
    pending: bool
    def __init__(self, certificate_pem: _Optional[bytes] = ..., pending: _Optional[bool] = ...) -> None: ...

class SubmitRequest(_message.Message):
    __slots__ = ("statement", "signature")
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    statement: bytes
    signature: bytes
    def __init__(self, statement: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("pending",)
    PENDING_FIELD_NUMBER: _ClassVar[int]
    pending: bool
    def __init__(self, pending: _Optional[bool] = ...) -> None: ...

class AnnounceRequest(_message.Message):
    __slots__ = ("timestamp_version",)
    TIMESTAMP_VERSION_FIELD_NUMBER: _ClassVar[int]
    timestamp_version: int
    def __init__(self, timestamp_version: _Optional[int] = ...) -> None: ...

class AnnounceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProposeRequest(_message.Message):
    __slots__ = ("proposal", "sign")
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    proposal: bytes
    sign: bool
    def __init__(self, proposal: _Optional[bytes] = ..., sign: _Optional[bool] = ...) -> None: ...

class ProposeResponse(_message.Message):
    __slots__ = ("signatures", "pending")
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    signatures: _containers.RepeatedCompositeFieldContainer[Signature]
    pending: bool
    def __init__(self, signatures: _Optional[_Iterable[_Union[Signature, _Mapping]]] = ..., pending: _Optional[bool] = ...) -> None: ...

class InviteRequest(_message.Message):
    __slots__ = ("invitation_sha256", "terms", "withdrawn")
    INVITATION_SHA256_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    invitation_sha256: bytes
    terms: bytes
    withdrawn: bool
    def __init__(self, invitation_sha256: _Optional[bytes] = ..., terms: _Optional[bytes] = ..., withdrawn: _Optional[bool] = ...) -> None: ...

class InviteResponse(_message.Message):
    __slots__ = ("approved",)
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    approved: bool
    def __init__(self, approved: _Optional[bool] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("role", "key_id", "signature")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    role: str
    key_id: str
    signature: bytes
    def __init__(self, role: _Optional[str] = ..., key_id: _Optional[str] = ..., signature: _Optional[bytes] = ...) -> None: ...

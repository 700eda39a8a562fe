"""The choice of a backend at start, with the reason that `doctor` shows.

`auto` takes the multi-buffer backend where its libraries are installed, the CPU can run it and its self-test
passes; else the OpenSSL backend, which runs everywhere. A backend that is asked for by name is never
replaced silently: a machine that cannot run it refuses with the same reason. Choosing starts no worker.
"""

from dataclasses import dataclass, field, replace
from functools import cache

from symbolon.errors import BackendError
from symbolon.oprf.backend.multibuffer import MultibufferBackend
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.backend.openssl_workers import OpensslWorkers
from symbolon.oprf.backend.protocol import Backend
from symbolon.oprf.backend.selftest import compare

BACKEND_NAMES = ("auto", "openssl", "multibuffer")


@dataclass(frozen=True, slots=True)
class ChosenBackend:
    """The backend in use and why.

    Attributes:
        name: `openssl` or `multibuffer`.
        reason: one sentence for the operator.
        backend: what multiplies.
    """

    name: str
    reason: str
    backend: Backend = field(repr=False, compare=False)


@cache
def choose_backend(preference: str = "auto") -> ChosenBackend:
    """Chooses a backend, tests it, and remembers the answer for the life of the process.

    Args:
        preference: `auto`, `openssl` or `multibuffer`.

    Returns:
        The choice. With `auto` it falls back to `openssl`, and the reason says why.

    Raises:
        BackendError: the name is unknown, or `multibuffer` was asked for by name and cannot run here.
    """
    if preference not in BACKEND_NAMES:
        raise BackendError(
            f"unknown backend {preference!r}", hint=f"choose one of {', '.join(BACKEND_NAMES)}"
        )
    if preference == "openssl":
        return ChosenBackend(OpensslWorkers.name, "asked for by name", OpensslWorkers())
    try:
        fast = MultibufferBackend()
        compare(fast, OpensslBackend())
    except BackendError as error:
        if preference == "multibuffer":
            raise
        return replace(choose_backend("openssl"), reason=f"multibuffer is not used: {error.detail}")
    reason = f"libcrypto_mb {fast.version}, AVX-512 IFMA present, self-test passed"
    return ChosenBackend(fast.name, reason, fast)

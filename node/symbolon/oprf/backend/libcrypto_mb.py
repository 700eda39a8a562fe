"""Finds and loads Intel's multi-buffer library, libcrypto_mb, and asks it whether this CPU will do.

The library comes from PyPI (`ipp-crypto`) and links the compiler's runtime (`intel-cmplr-lib-rt`) and the
system's libcrypto.so.3. Neither lies where the dynamic linker looks, so the runtime is loaded first, from
the places its distribution recorded; the linker then finds it by its soname. All are loaded with local
scope: with global scope the runtime's libimf would stand in for libm in whatever the process loads later.

Refuses, with a `BackendError` that names the reason: a platform other than Linux on x86-64, distributions
that are not installed or incomplete, libraries that do not load, a CPU for which the library offers no
eight-lane X25519. On such a CPU no multiplication is ever called.

Source: crypto_mb/cpu_features.h and crypto_mb/x25519.h of Intel Cryptography Primitives Library.
"""

import ctypes
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from symbolon.errors import BackendError

_RUNTIME = "intel-cmplr-lib-rt"
_RUNTIME_LIBRARIES = ("libintlc.so.5", "libimf.so", "libirng.so", "libsvml.so")
_LIBRARY_DISTRIBUTION = "ipp-crypto"
_LIBRARY = "libcrypto_mb.so"
_HINT = "install the extra `ifma`: pip install 'symbolon[ifma]'"

_ALGORITHM_X25519 = 4
_WIDTH_EIGHT_LANES = 0x8


@dataclass(frozen=True, slots=True)
class MultibufferLibrary:
    """The two calls that the backend needs. Arguments are addresses of tables of eight pointers.

    Attributes:
        multiply: (out[8], scalar[8], u[8]) → 32-bit status, 4 bits a lane, 0 = done.
        multiply_base: (out[8], scalar[8]) → the same.
        version: of the distribution that brought the library.
        handles: the loaded libraries; they stay loaded as long as this object lives.
    """

    multiply: Callable[[int, int, int], int]
    multiply_base: Callable[[int, int], int]
    version: str
    handles: tuple[ctypes.CDLL, ...]


def load_library() -> MultibufferLibrary:
    """Loads the library on a machine that can run it.

    Returns:
        The library's calls.

    Raises:
        BackendError: why not; the detail is one sentence for `doctor`.
    """
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise BackendError(f"the multi-buffer library is for Linux on x86-64, not {sys.platform}")
    paths = [_locate(_RUNTIME, name) for name in _RUNTIME_LIBRARIES]
    paths.append(_locate(_LIBRARY_DISTRIBUTION, _LIBRARY))
    try:
        handles = tuple(ctypes.CDLL(path) for path in paths)
    except OSError as error:
        missing = "libcrypto.so.3" in str(error)
        reason = (
            "the system has no OpenSSL 3 (libcrypto.so.3)"
            if missing
            else f"the library does not load: {error}"
        )
        raise BackendError(
            reason, hint="install OpenSSL 3 with the system's packages" if missing else None
        ) from None
    library = handles[-1]
    try:
        algorithm_info = library.mbx_get_algo_info
        multiply = library.mbx_x25519_mb8
        multiply_base = library.mbx_x25519_public_key_mb8
    except AttributeError as error:
        raise BackendError(f"the library lacks a function: {error}") from None
    algorithm_info.argtypes = [ctypes.c_int]
    algorithm_info.restype = ctypes.c_uint64
    if not algorithm_info(_ALGORITHM_X25519) & _WIDTH_EIGHT_LANES:
        raise BackendError("the CPU lacks AVX-512 IFMA")
    multiply.argtypes = [ctypes.c_void_p] * 3
    multiply.restype = ctypes.c_uint32
    multiply_base.argtypes = [ctypes.c_void_p] * 2
    multiply_base.restype = ctypes.c_uint32
    return MultibufferLibrary(multiply, multiply_base, metadata.version(_LIBRARY_DISTRIBUTION), handles)


def _locate(distribution: str, name: str) -> str:
    """The path of a distribution's file.

    Raises:
        BackendError: the distribution is not installed, or its record or the file is missing.
    """
    try:
        files = metadata.files(distribution)
    except metadata.PackageNotFoundError:
        raise BackendError(f"{distribution} is not installed", hint=_HINT) from None
    for file in files or ():
        if file.name == name and (path := Path(file.locate())).is_file():
            return str(path.resolve())
    raise BackendError(f"{distribution} is installed without {name}", hint=_HINT)

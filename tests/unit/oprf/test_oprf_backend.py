"""Backends on known answers, their choice and its reasons, and the errors of the multi-buffer library."""

import ctypes
import os
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf.backend import choice, choose_backend, libcrypto_mb, openssl_workers, selftest
from symbolon.oprf.backend.libcrypto_mb import MultibufferLibrary
from symbolon.oprf.backend.multibuffer import MultibufferBackend
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.backend.openssl_workers import OpensslWorkers

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "rfc7748_x25519.toml").read_text())
PRODUCTS = VECTORS["product"]


def load(name):
    try:
        return OpensslBackend() if name == "openssl" else MultibufferBackend()
    except BackendError as error:
        pytest.skip(f"the multi-buffer backend cannot run here: {error.detail}")


@pytest.fixture(params=["openssl", "openssl workers", "multibuffer"])
def backend(request, monkeypatch):
    if request.param == "openssl workers":
        monkeypatch.setattr(openssl_workers, "LEAST_ELEMENTS", 1)
        return OpensslWorkers(1)
    return load(request.param)


@pytest.fixture
def fresh_choice():
    choose_backend.cache_clear()
    yield
    choose_backend.cache_clear()


def column(name):
    return b"".join(bytes.fromhex(product[name]) for product in PRODUCTS)


def test_multiply_each_rfc7748_products_right(backend):
    assert backend.multiply_each(column("scalar"), column("element")) == column("result")


@pytest.mark.parametrize("product", PRODUCTS)
def test_multiply_rfc7748_product_right(backend, product):
    scalar, element = bytes.fromhex(product["scalar"]), bytes.fromhex(product["element"])
    assert backend.multiply(scalar, element * 3).hex() == product["result"] * 3


@pytest.mark.parametrize("vector", VECTORS["iterated"])
def test_multiply_each_rfc7748_iterated_right(backend, vector):
    scalar = element = (9).to_bytes(32, "little")
    for _ in range(vector["rounds"]):
        scalar, element = backend.multiply_each(scalar, element), scalar
    assert scalar.hex() == vector["result"]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17])
def test_every_call_any_count_gives_as_many_rows_as_it_took(backend, count):
    scalars, elements = os.urandom(32 * count), bytes([9, *bytes(31)]) * count
    each = backend.multiply_each(scalars, elements)
    assert len(each) == 32 * count
    assert each == backend.multiply_base(scalars)
    assert backend.multiply(bytes(32), elements) == backend.multiply_base(bytes(32)) * count


@pytest.mark.parametrize(
    ("scalars", "elements"), [(32, 31), (32, 33), (31, 32), (0, 32), (33, 32), (32, 1), (64, 96)]
)
def test_every_call_lengths_that_do_not_go_together_refused(backend, scalars, elements):
    for call in (backend.multiply, backend.multiply_each):
        with pytest.raises(ValueError, match="do not go with"):
            call(bytes(scalars), bytes(elements))


def test_multiply_base_length_not_whole_refused(backend):
    with pytest.raises(ValueError, match="do not go with"):
        backend.multiply_base(bytes(33))


def test_every_call_product_zero_refused(backend):
    nine, zero = bytes([9, *bytes(31)]), bytes(32)
    with pytest.raises(InvalidElementError):
        backend.multiply(os.urandom(32), nine * 5 + zero)
    with pytest.raises(InvalidElementError):
        backend.multiply_each(os.urandom(64), nine + zero)


def fake_library(status):
    def multiply(out, scalars, elements):
        del out, scalars, elements
        return status

    return MultibufferLibrary(multiply, lambda out, scalars: multiply(out, scalars, 0), "0", ())


@pytest.mark.parametrize("lane", range(8))
def test_multibuffer_status_of_any_lane_refuses_the_batch(lane):
    backend = MultibufferBackend(fake_library(1 << 4 * lane))
    for call in (
        lambda: backend.multiply(bytes(32), bytes(32)),
        lambda: backend.multiply_each(bytes(32), bytes(32)),
        lambda: backend.multiply_base(bytes(32)),
    ):
        with pytest.raises(BackendError, match="lane statuses"):
            call()


def test_multibuffer_low_order_status_names_the_element_not_the_backend():
    with pytest.raises(InvalidElementError):
        MultibufferBackend(fake_library(4 << 8)).multiply(bytes(32), bytes(32))


def test_multibuffer_low_order_beside_another_status_is_a_backend_error():
    with pytest.raises(BackendError):
        MultibufferBackend(fake_library(4 | 1 << 28)).multiply(bytes(32), bytes(32))


class WrongBackend(OpensslBackend):
    """Right on everything but one call of the self-test."""

    name = "wrong"

    def __init__(self, wrong_call):
        self.calls_left = wrong_call

    def spoil(self, products):
        self.calls_left -= 1
        return bytes([products[0] ^ 1]) + products[1:] if self.calls_left == 0 else products

    def multiply(self, scalar, elements):
        return self.spoil(super().multiply(scalar, elements))

    def multiply_each(self, scalars, elements):
        return self.spoil(super().multiply_each(scalars, elements))

    def multiply_base(self, scalars):
        return self.spoil(super().multiply_base(scalars))


@pytest.mark.parametrize("wrong_call", [1, 2, 4, 500, 1005, 1028])
def test_selftest_one_wrong_product_anywhere_fails(wrong_call):
    with pytest.raises(BackendError, match="self-test of wrong failed"):
        selftest.compare(WrongBackend(wrong_call), OpensslBackend())


def test_selftest_right_backend_passes(backend):
    selftest.compare(backend, OpensslBackend())


def test_selftest_backend_that_refuses_fails_as_backend_error():
    class Refusing(OpensslBackend):
        def multiply_each(self, scalars, elements):
            raise InvalidElementError("no")

    with pytest.raises(BackendError, match="failed: no"):
        selftest.compare(Refusing(), OpensslBackend())


def test_choose_backend_openssl_by_name_gives_it():
    chosen = choose_backend("openssl")
    assert (chosen.name, chosen.reason) == ("openssl", "asked for by name")
    assert chosen.backend.name == "openssl"


def test_choose_backend_unknown_name_refused_with_the_known_ones():
    with pytest.raises(BackendError) as caught:
        choose_backend("quantum")
    assert "multibuffer" in (caught.value.hint or "")


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_auto_with_the_library_gives_multibuffer_and_says_so():
    load("multibuffer")
    chosen = choose_backend("auto")
    assert chosen.name == "multibuffer"
    assert "self-test passed" in chosen.reason


def not_installed(_name):
    raise metadata.PackageNotFoundError


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_extra_not_installed_falls_back_and_says_so(monkeypatch):
    monkeypatch.setattr(libcrypto_mb.metadata, "files", not_installed)
    monkeypatch.setattr(libcrypto_mb.sys, "platform", "linux")
    monkeypatch.setattr(libcrypto_mb.platform, "machine", lambda: "x86_64")
    chosen = choose_backend("auto")
    assert chosen.name == "openssl"
    assert "is not installed" in chosen.reason
    with pytest.raises(BackendError, match="is not installed"):
        choose_backend("multibuffer")


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("files", [None, []])
def test_choose_backend_incomplete_installation_falls_back_and_says_so(monkeypatch, files):
    monkeypatch.setattr(libcrypto_mb.metadata, "files", lambda _name: files)
    monkeypatch.setattr(libcrypto_mb.sys, "platform", "linux")
    monkeypatch.setattr(libcrypto_mb.platform, "machine", lambda: "x86_64")
    assert "is installed without" in choose_backend("auto").reason


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_other_platform_falls_back_and_says_so(monkeypatch):
    monkeypatch.setattr(libcrypto_mb.platform, "machine", lambda: "aarch64")
    chosen = choose_backend("auto")
    assert chosen.name == "openssl"
    assert "x86-64" in chosen.reason


class FakeFunction:
    def __init__(self, result):
        self.result = result
        self.calls = 0

    def __call__(self, *_arguments):
        self.calls += 1
        return self.result


class FakeDll:
    """A library on a CPU for which it has no eight-lane X25519."""

    mbx_get_algo_info = FakeFunction(0)
    mbx_x25519_mb8 = FakeFunction(0)
    mbx_x25519_public_key_mb8 = FakeFunction(0)


def pretend_installed(monkeypatch, open_library):
    monkeypatch.setattr(libcrypto_mb.sys, "platform", "linux")
    monkeypatch.setattr(libcrypto_mb.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(libcrypto_mb, "_locate", lambda _distribution, name: name)
    monkeypatch.setattr(libcrypto_mb.ctypes, "CDLL", open_library)


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_cpu_without_ifma_falls_back_and_never_multiplies(monkeypatch):
    pretend_installed(monkeypatch, lambda _path: FakeDll)
    chosen = choose_backend("auto")
    assert chosen.name == "openssl"
    assert "AVX-512 IFMA" in chosen.reason
    assert FakeDll.mbx_get_algo_info.calls > 0
    assert FakeDll.mbx_x25519_mb8.calls == FakeDll.mbx_x25519_public_key_mb8.calls == 0


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("libcrypto.so.3: cannot open shared object file", "no OpenSSL 3"),
        ("libsvml.so: invalid ELF header", "does not load"),
    ],
)
def test_choose_backend_library_that_does_not_load_falls_back_and_says_why(monkeypatch, message, reason):
    def open_library(_path):
        raise OSError(message)

    pretend_installed(monkeypatch, open_library)
    assert reason in choose_backend("auto").reason


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_library_without_the_function_falls_back_and_says_so(monkeypatch):
    pretend_installed(monkeypatch, lambda _path: object())
    assert "lacks a function" in choose_backend("auto").reason


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_failed_selftest_falls_back_and_says_so(monkeypatch):
    monkeypatch.setattr(choice, "MultibufferBackend", lambda: WrongBackend(1))
    chosen = choose_backend("auto")
    assert chosen.name == "openssl"
    assert "self-test of wrong failed" in chosen.reason


def test_multibuffer_runtime_is_loaded_without_global_scope():
    backend = load("multibuffer")
    assert all(isinstance(handle, ctypes.CDLL) for handle in backend._library.handles)
    with pytest.raises(AttributeError):
        ctypes.CDLL(None).mbx_x25519_mb8  # noqa: B018

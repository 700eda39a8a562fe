"""The edge of the node: gRPC over mutual TLS 1.3. The only asynchronous package.

With P-256 leaves, a cipher list that holds nothing but an RSA suite of TLS 1.2 leaves TLS 1.3 as the only
version a handshake can end in (1.3 suites are not governed by the list). gRPC reads it when it is imported,
so it is set here, before any module of this package imports gRPC.
"""

import os

os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES128-GCM-SHA256"
# Strangers' failed handshakes are no news to the operator; what matters is logged by the node itself.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

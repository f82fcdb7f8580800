"""A security key in software (WebAuthn Level 3, "none" attestation, ES256), for tests without a browser."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

USER_PRESENT, HAS_CREDENTIAL = 0x01, 0x40  # flags of the authenticator data


class Authenticator:
    """Answers as a browser's `credential.toJSON()` does; the arguments say in what an answer is wrong."""

    def __init__(self) -> None:
        self.private_key = generate_private_key(SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.count = 0

    def make(self, options: dict[str, Any], origin: str = "http://localhost:8000") -> str:
        point = self.private_key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        credential = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + cose
        data = self._data(options["rp"]["id"], USER_PRESENT | HAS_CREDENTIAL) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=client_data("webauthn.create", options["challenge"], origin), attestationObject=attestation
        )

    def sign(self, options: dict[str, Any], origin: str = "http://localhost:8000", site: str = "") -> str:
        self.count += 1
        data = self._data(site or options["rpId"], USER_PRESENT)
        client = client_data("webauthn.get", options["challenge"], origin)
        signature = self.private_key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, site: str, flags: int) -> bytes:
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, **response: bytes) -> str:
        number = bytes_to_base64url(self.credential_id)
        parts = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": number, "rawId": number, "type": "public-key", "response": parts})


def client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

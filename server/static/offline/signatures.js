// Signatures: ES256 by the browser, SM2 over SM3 (GB/T 32918, default user id) by sm-crypto-v2; and
// the JWS that lists are signed with (RFC 7515). A check throws or it held; nothing returns a bool.
"use strict";

(() => {
  const offline = self.trustOffline;
  const SM2_ID = "1234567812345678";
  const precomputed = new Map();

  class InvalidSignature extends Error {}

  async function verifyEs256(key, message, signature) {
    const jwk = {
      kty: "EC", crv: "P-256", x: offline.toBase64url(key.point.slice(0, 32)), y: offline.toBase64url(key.point.slice(32)),
    };
    const imported = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    const held = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, message);
    if (held !== true) throw new InvalidSignature("ES256");
  }

  function verifySm2(key, message, signature) {
    const publicKey = `04${offline.hex(key.point)}`;
    if (!precomputed.has(publicKey)) {
      if (precomputed.size > 64) precomputed.clear();
      precomputed.set(publicKey, smCrypto.sm2.precomputePublicKey(publicKey));
    }
    const options = { hash: true, der: false, userId: SM2_ID, publicKey };
    let held = false;
    try {
      held = smCrypto.sm2.doVerifySignature(message, offline.hex(signature), precomputed.get(publicKey), options);
    } catch (error) {
      throw new InvalidSignature("SM2");
    }
    if (held !== true) throw new InvalidSignature("SM2");
  }

  // `signature` is r then s, 64 bytes.
  async function verify(algorithm, key, message, signature) {
    if (key.algorithm !== algorithm || signature.length !== 64) throw new InvalidSignature("another key's algorithm");
    if (algorithm === "ES256") await verifyEs256(key, message, signature);
    else if (algorithm === "SM2-SM3") verifySm2(key, message, signature);
    else throw new InvalidSignature("an algorithm that is not accepted");
  }

  // A compact JWS of the stated type, whose signer's certificate is in x5c: { payload, certificate }.
  async function openJws(compact, typ, isKnown) {
    const parts = compact.split(".");
    if (parts.length !== 3) throw new offline.Malformed("not a compact JWS");
    const header = JSON.parse(offline.text(offline.fromBase64url(parts[0])));
    const known = new Set(["alg", "kid", "typ", "x5c"]);
    if (Object.keys(header).some((name) => !known.has(name)) || header.typ !== typ) throw new offline.Malformed("JWS of another kind");
    if (!Array.isArray(header.x5c) || typeof header.x5c[0] !== "string") throw new offline.Malformed("no certificate");
    const certificate = offline.fromBase64(header.x5c[0]);
    if (!isKnown(certificate)) throw new InvalidSignature("a signer that no list names");
    const message = offline.encode(`${parts[0]}.${parts[1]}`);
    await verify(header.alg, offline.certificateKey(certificate), message, offline.fromBase64url(parts[2]));
    return { payload: offline.fromBase64url(parts[1]), certificate };
  }

  // The same for `{name: content, signature}`, detached over the content in its one form.
  async function openDetached(content, signature, typ, isKnown) {
    const payload = offline.encode(offline.canonical(content));
    const [protectedPart, middle, value] = String(signature).split(".");
    if (middle !== "") throw new offline.Malformed("a detached JWS carries no payload");
    return openJws(`${protectedPart}.${offline.toBase64url(payload)}.${value}`, typ, isKnown);
  }

  Object.assign(offline, { InvalidSignature, verify, openJws, openDetached });
})();

// The claim in a QR code (docs/qr.md), read strictly: one URL form, one base64url, deterministic CBOR,
// known keys only. Nothing in it is believed before its signature is.
"use strict";

(() => {
  const offline = self.trustOffline;
  const READ_MAX = 2953;
  const ROOT = "1.2.156.3005.2";
  const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const ALGORITHMS = new Map([[-7, "ES256"], [-65538, "SM2-SM3"]]);
  const REQUIRED = [1, 2, 3, 4, 5, 9, 10];
  const OPTIONAL = [6, 7, 8];
  const COPY = [11, 12, 13];
  const DAY = 86400000;
  const CHINA = 8 * 3600000;

  class BadClaim extends Error {
    constructor(code, detail) { super(detail || code); this.code = code; }
  }

  const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
  const isBytes = (value, length) => value instanceof Uint8Array && value.length === length;
  const chinaDay = (milliseconds) => Math.floor((milliseconds + CHINA) / DAY);
  const dayText = (days) => new Date(days * DAY).toISOString().slice(0, 10);

  // ISO/IEC 7064 MOD 37,36 over the identifier without root and dots (GB/T 36904).
  function checkCharacter(body) {
    let rest = 36;
    for (const letter of body) {
      rest = (rest + ALPHABET.indexOf(letter)) % 36 || 36;
      rest = (rest * 2) % 37;
    }
    return ALPHABET[(37 - rest) % 36];
  }

  function identifier(body) {
    const form = /^([0-9A-Z]{18}\d{3})\.([0-9A-Z]{6,18})\.[0-9A-Z]{1,32}\.\d{3}$/;
    const found = typeof body === "string" && body.match(form);
    if (!found || body.endsWith(".000")) throw new BadClaim("claim_malformed", "identifier");
    return {
      text: `${ROOT}.${body}.${checkCharacter(body.replaceAll(".", ""))}`, type: found[1], issuer: found[2],
    };
  }

  function copyMark(content) {
    if (!content.has(11)) return null;
    const [number, until, original] = COPY.map((key) => content.get(key));
    if (!/^[0-9A-Z]{8,40}$/.test(number) || !isCount(until) || !isBytes(original, 16)) {
      throw new BadClaim("claim_malformed", "copy");
    }
    return { number, until: until * 1000, original };
  }

  function typed(content) {
    const status = content.get(9);
    const holder = content.get(4);
    const madeAt = content.get(5);
    if (!isCount(content.get(2)) || content.get(2) < 100000 || content.get(2) > 999999) throw new BadClaim("claim_malformed", "region");
    if (!Array.isArray(status) || status.length !== 2 || !status.every(isCount)) throw new BadClaim("claim_malformed", "status");
    if (typeof holder !== "string" || !holder || !isCount(madeAt) || !isBytes(content.get(10), 16)) throw new BadClaim("claim_malformed", "form");
    for (const key of OPTIONAL) {
      if (content.has(key) && !Number.isSafeInteger(content.get(key))) throw new BadClaim("claim_malformed", "day");
    }
    const made = chinaDay(madeAt * 1000);
    const issued = content.has(6) ? content.get(6) : made;
    const from = content.has(7) ? content.get(7) : issued;
    if (content.get(6) === made || content.get(7) === issued) throw new BadClaim("claim_malformed", "a field that should be left out");
    return {
      region: String(content.get(2)), identifier: identifier(content.get(3)), holder, madeAt: madeAt * 1000, issued, from,
      until: content.has(8) ? content.get(8) : null, list: status[0], index: status[1], digest: content.get(10),
      copy: copyMark(content),
    };
  }

  function parseSign1(encoded) {
    const message = offline.fromCbor(offline.fromBase64url(encoded));
    if (!(message instanceof offline.Tagged) || message.tag !== 18 || !Array.isArray(message.value)) throw new BadClaim("claim_malformed", "COSE");
    const [protectedBytes, open, payload, signature, more] = message.value;
    if (more !== undefined || !(open instanceof Map) || open.size || !isBytes(signature, 64)) throw new BadClaim("claim_malformed", "COSE");
    const header = offline.fromCbor(protectedBytes);
    if (!(header instanceof Map) || header.size !== 2 || !isBytes(header.get(4), 8)) throw new BadClaim("claim_malformed", "header");
    const algorithm = ALGORITHMS.get(header.get(1));
    if (!algorithm) throw new BadClaim("algorithm_refused", String(header.get(1)).slice(0, 20));
    const signed = offline.toCbor(["Signature1", protectedBytes, new Uint8Array(0), payload]);
    return { algorithm, kid: offline.hex(header.get(4)), payload, signature, signed };
  }

  // Throws BadClaim with a report code.
  function parseClaim(words) {
    if (words.length > READ_MAX) throw new BadClaim("claim_malformed", "longer than any QR code");
    const match = words.match(/^https?:\/\/[A-Za-z0-9.:[\]_/-]{1,200}\/v#([A-Za-z0-9_-]+)$/);
    try {
      const message = parseSign1(match ? match[1] : words);
      const content = offline.fromCbor(message.payload);
      if (!(content instanceof Map) || typeof content.get(1) !== "number") throw new BadClaim("claim_malformed", "no claim");
      if (content.get(1) !== 1) throw new BadClaim("claim_version", String(content.get(1)).slice(0, 20));
      const keys = [...content.keys()];
      const required = keys.some((key) => COPY.includes(key)) ? [...REQUIRED, ...COPY] : REQUIRED;
      const known = new Set([...required, ...OPTIONAL]);
      if (!required.every((key) => content.has(key)) || keys.some((key) => !known.has(key))) throw new BadClaim("claim_malformed", "fields");
      return { ...message, claim: typed(content) };
    } catch (error) {
      if (error instanceof BadClaim) throw error;
      throw new BadClaim("claim_malformed", error.message);
    }
  }

  Object.assign(offline, { BadClaim, parseClaim, chinaDay, dayText });
})();

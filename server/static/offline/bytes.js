// Bytes, base64url, JSON in its one form, CBOR in its deterministic encoding (RFC 8949, 4.2.1), DER
// as far as a certificate's key. Everything throws on input of another form; lengths are capped.
"use strict";

(() => {
  const offline = (self.trustOffline = self.trustOffline || {});
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  class Malformed extends Error {}

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const text = (bytes) => utf8.decode(bytes);
  const encode = (words) => new TextEncoder().encode(words);

  function concat(...parts) {
    const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { made.set(part, at); at += part.length; }
    return made;
  }

  function equal(one, other) {
    if (one.length !== other.length) return false;
    let differs = 0;
    for (let at = 0; at < one.length; at += 1) differs |= one[at] ^ other[at];
    return differs === 0;
  }

  function fromBase64(words) {
    try {
      return Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
    } catch (error) {
      throw new Malformed("not base64");
    }
  }

  function toBase64url(bytes) {
    let letters = "";
    for (let at = 0; at < bytes.length; at += 0x8000) {
      letters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    }
    return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  // One encoding only: spare bits are zero.
  function fromBase64url(words) {
    if (!/^[A-Za-z0-9_-]*$/.test(words) || words.length % 4 === 1) throw new Malformed("not base64url");
    const plain = words.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = fromBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
    if (toBase64url(bytes) !== words) throw new Malformed("spare bits in base64url");
    return bytes;
  }

  // JSON with sorted keys and no spaces, as everything signed here is written.
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value && typeof value === "object") {
      const keys = Object.keys(value).sort();
      return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
    }
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Malformed("a fraction");
    return JSON.stringify(value);
  }

  async function inflate(bytes, most) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const reader = stream.getReader();
    const parts = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concat(...parts);
      length += value.length;
      if (length > most) { await reader.cancel(); throw new Malformed("it unpacks too far"); }
      parts.push(value);
    }
  }

  // --- CBOR ------------------------------------------------------------------------------------

  class Tagged {
    constructor(tag, value) { this.tag = tag; this.value = value; }
  }

  function head(major, number) {
    if (number < 24) return Uint8Array.of((major << 5) | number);
    if (number < 0x100) return Uint8Array.of((major << 5) | 24, number);
    if (number < 0x10000) return Uint8Array.of((major << 5) | 25, number >> 8, number & 255);
    const made = new Uint8Array(number < 0x100000000 ? 5 : 9);
    made[0] = (major << 5) | (made.length === 5 ? 26 : 27);
    let rest = BigInt(number);
    for (let at = made.length - 1; at > 0; at -= 1) { made[at] = Number(rest & 255n); rest >>= 8n; }
    return made;
  }

  function toCbor(value) {
    if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
    if (typeof value === "string") { const bytes = encode(value); return concat(head(3, bytes.length), bytes); }
    if (value instanceof Uint8Array) return concat(head(2, value.length), value);
    if (Array.isArray(value)) return concat(head(4, value.length), ...value.map(toCbor));
    if (value instanceof Tagged) return concat(head(6, value.tag), toCbor(value.value));
    if (value instanceof Map) {
      const rows = [...value].map(([key, each]) => [toCbor(key), toCbor(each)]);
      rows.sort(([one], [other]) => one.length - other.length || (hex(one) < hex(other) ? -1 : 1));
      return concat(head(5, rows.length), ...rows.flat());
    }
    throw new Malformed("no CBOR for it");
  }

  function readCbor(bytes, start, depth) {
    let at = start;
    if (depth > 8 || at >= bytes.length) throw new Malformed("not CBOR");
    const major = bytes[at] >> 5;
    const short = bytes[at] & 31;
    at += 1;
    let number = short;
    if (short >= 24) {
      const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
      if (!size || at + size > bytes.length) throw new Malformed("not CBOR");
      number = 0;
      for (let more = 0; more < size; more += 1) number = number * 256 + bytes[at + more];
      if (!Number.isSafeInteger(number)) throw new Malformed("too large a number");
      at += size;
    }
    if (major === 0) return [number, at];
    if (major === 1) return [-1 - number, at];
    if (major === 2 || major === 3) {
      if (at + number > bytes.length) throw new Malformed("not CBOR");
      const part = bytes.slice(at, at + number);
      return [major === 2 ? part : text(part), at + number];
    }
    if (major === 4 || major === 5) return readMany(bytes, at, number, major === 5, depth);
    if (major === 6) {
      const [value, after] = readCbor(bytes, at, depth + 1);
      return [new Tagged(number, value), after];
    }
    throw new Malformed("no such thing in what we read");
  }

  function readMany(bytes, start, count, isMap, depth) {
    if (count > bytes.length) throw new Malformed("not CBOR");
    const made = isMap ? new Map() : [];
    let at = start;
    for (let number = 0; number < count; number += 1) {
      let key, value;
      [key, at] = readCbor(bytes, at, depth + 1);
      if (!isMap) { made.push(key); continue; }
      [value, at] = readCbor(bytes, at, depth + 1);
      if (made.has(key)) throw new Malformed("a key stands twice");
      made.set(key, value);
    }
    return [made, at];
  }

  function fromCbor(bytes) {
    const [value, end] = readCbor(bytes, 0, 0);
    if (end !== bytes.length || !equal(toCbor(value), bytes)) throw new Malformed("CBOR in another encoding");
    return value;
  }

  // --- DER -------------------------------------------------------------------------------------

  function der(bytes, start) {
    let length = bytes[start + 1];
    let at = start + 2;
    if (length > 0x80 && length < 0x84) {
      const size = length & 3;
      length = 0;
      for (let more = 0; more < size; more += 1) length = length * 256 + bytes[at + more];
      at += size;
    } else if (length >= 0x80 || length === undefined) throw new Malformed("not DER");
    if (!(at + length <= bytes.length)) throw new Malformed("not DER");
    return { tag: bytes[start], start, body: at, end: at + length };
  }

  function children(bytes, node) {
    const found = [];
    for (let at = node.body; at < node.end; at = found[found.length - 1].end) found.push(der(bytes, at));
    return found;
  }

  const CURVES = { "2a8648ce3d030107": "ES256", "2a811ccf5501822d": "SM2-SM3" };

  function time(bytes, node) {
    const words = text(bytes.slice(node.body, node.end));
    const year = node.tag === 0x17 ? (words < "50" ? "20" : "19") + words.slice(0, 2) : words.slice(0, 4);
    const rest = words.slice(node.tag === 0x17 ? 2 : 4);
    return Date.UTC(year, rest.slice(0, 2) - 1, rest.slice(2, 4), rest.slice(4, 6), rest.slice(6, 8), rest.slice(8, 10));
  }

  // What a trust list's certificate says of its key: algorithm, point (x then y), life. Its chain was
  // judged by whoever put it on the list.
  function certificateKey(bytes) {
    const [tbs] = children(bytes, der(bytes, 0));
    const parts = children(bytes, tbs).filter((part) => part.tag !== 0xa0);
    const [notBefore, notAfter] = children(bytes, parts[3]).map((part) => time(bytes, part));
    const spki = parts[5];
    const [kind, key] = children(bytes, spki);
    const names = children(bytes, kind);
    const curve = names[1] ? hex(bytes.slice(names[1].body, names[1].end)) : "";
    const point = bytes.slice(key.body + 2, key.end);
    const algorithm = CURVES[curve];
    if (!algorithm || point.length !== 64 || bytes[key.body + 1] !== 4) throw new Malformed("a key of another kind");
    return { algorithm, point, notBefore, notAfter, spki: bytes.slice(spki.start, spki.end) };
  }

  Object.assign(offline, {
    Malformed, Tagged, hex, text, encode, concat, equal, fromBase64, fromBase64url, toBase64url, canonical,
    inflate, toCbor, fromCbor, certificateKey,
  });
})();

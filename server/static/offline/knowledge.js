// What this device knows without a network: a bundle signed by the region that gave out this page, in
// it each region's trust list and status lists, each signed by that region. Every signature is checked
// when the bundle is taken in; what was checked is kept and only read from then on.
"use strict";

(() => {
  const offline = self.trustOffline;
  const BUNDLE_TYPE = "offline-bundle+jws";
  const LIST_TYPE = "trust-list+jws";
  const STATUS_TYPE = "statuslist+jwt";
  const UNPACKED_MAX = 16 * 1024 * 1024;
  const REGIONS_MAX = 400;

  class BadBundle extends Error {}

  const same = (one) => (other) => offline.equal(one, other);
  const amongst = (certificates) => (other) => certificates.some((one) => offline.equal(one, other));
  const moment = (words) => {
    const found = Date.parse(words);
    if (Number.isNaN(found)) throw new BadBundle("a time that is none");
    return found;
  };

  function services(list, kind) {
    return list.services
      .filter((each) => each.serviceType === `urn:trust:service:${kind}` && each.digitalId)
      .map((each) => ({ ...each, certificate: offline.fromBase64(each.digitalId) }));
  }

  // When a service may be believed: from the time its status began, by its history for the time before.
  // Nothing that a compromised key says of earlier times counts.
  function grantedAt(service, at) {
    if (service.status === "compromised") return false;
    const spans = [{ status: service.status, since: moment(service.statusStartingTime) }];
    for (const past of service.history || []) spans.push({ status: past.status, since: moment(past.statusStartingTime) });
    spans.sort((one, other) => other.since - one.since);
    const found = spans.find((span) => span.since <= at);
    return Boolean(found) && found.status === "granted";
  }

  async function readStatus(token, list, region) {
    const signers = services(list, "status-list");
    const { payload, certificate } = await offline.openJws(token, STATUS_TYPE, amongst(signers.map((each) => each.certificate)));
    const content = JSON.parse(offline.text(payload));
    // A key that was stolen, or withdrawn by then, says nothing of states: they are not known.
    const signer = signers.find((each) => offline.equal(each.certificate, certificate));
    if (!grantedAt(signer, content.iat * 1000)) return null;
    const number = Number((/\/status\/(\d+)$/.exec(content.sub) || [])[1]);
    if (!Number.isSafeInteger(number) || content.status_list.bits !== 2) throw new BadBundle("a status list of another form");
    if (!Number.isSafeInteger(content.iat) || !Number.isSafeInteger(content.exp)) throw new BadBundle("a status list without a life");
    const packed = await offline.inflate(offline.fromBase64url(content.status_list.lst), UNPACKED_MAX);
    return { region, number, issuedAt: content.iat * 1000, expiresAt: content.exp * 1000, packed };
  }

  async function signerRows(list, kind, region) {
    const rows = [];
    for (const service of services(list, kind)) {
      const key = offline.certificateKey(service.certificate);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", key.spki));
      rows.push({ kid: offline.hex(digest.slice(0, 8)), region, kind, service, ...key });
    }
    return rows;
  }

  async function readRegion(entry) {
    const document = entry.trust_list;
    const content = document.list;
    // The bundle's signer vouches for who signs a region's list; the list vouches for all the rest.
    const pinned = entry.list_signers.map(offline.fromBase64);
    await offline.openDetached(content, document.signature, LIST_TYPE, amongst(pinned));
    if (content.schemeTerritory !== entry.region) throw new BadBundle("a list of another region");
    const signers = [];
    for (const kind of ["claim-signer", "copy-signer"]) signers.push(...await signerRows(content, kind, entry.region));
    const statuses = [];
    for (const token of entry.status) {
      const found = await readStatus(token, content, entry.region);
      if (found) statuses.push(found);
    }
    return {
      region: entry.region, name: entry.name, sequence: content.sequenceNumber, issuedAt: moment(content.issueDateTime),
      nextUpdate: moment(content.nextUpdate), signers, statuses, types: entry.types || {},
    };
  }

  // The knowledge in a bundle. `pinned`: DER certificates whose bundles are believed; none at first, when
  // the page and the bundle come from the same place.
  async function readBundle(words, pinned) {
    const { bundle, signature } = JSON.parse(words);
    if (bundle.version !== 1 || !Array.isArray(bundle.regions) || bundle.regions.length > REGIONS_MAX) throw new BadBundle("a bundle of another form");
    const isKnown = pinned && pinned.length ? amongst(pinned) : () => true;
    const { certificate } = await offline.openDetached(bundle, signature, BUNDLE_TYPE, isKnown);
    const regions = [];
    for (const entry of bundle.regions) regions.push(await readRegion(entry));
    return { madeAt: moment(bundle.made_at), by: bundle.region, certificate, next: (bundle.next_signers || []).map(offline.fromBase64), regions };
  }

  // A newer bundle replaces an older one, never the other way round; nor does a list an older list.
  function requireNewer(found, kept) {
    if (!kept) return;
    if (found.madeAt < kept.madeAt) throw new BadBundle("older than what is kept");
    for (const region of found.regions) {
      const before = kept.regions.find((each) => each.region === region.region);
      if (before && region.sequence < before.sequence) throw new BadBundle("a trust list was rolled back");
    }
  }

  Object.assign(offline, { BadBundle, readBundle, requireNewer, grantedAt, same });
})();

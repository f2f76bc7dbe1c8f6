// The report on a QR code by what this device knows: the same legs, codes and outcomes as the service
// gives (docs/report.md). What cannot be known is INDETERMINATE, never PASSED.
"use strict";

(() => {
  const offline = self.trustOffline;
  const STATES = [
    ["PASSED", "in_force"], ["FAILED", "void"], ["FAILED", "suspended"], ["FAILED", "other_state"],
  ];

  const check = (name, outcome, code, detail) => ({ name, outcome, code, detail });
  const worst = (checks) => ["FAILED", "INDETERMINATE"].find((each) => checks.some((one) => one.outcome === each)) || "PASSED";

  async function signerChecks(message, knowledge) {
    const { claim } = message;
    const name = "claim.signature";
    const rows = knowledge.regions.flatMap((each) => each.signers).filter((row) => row.kid === message.kid);
    if (!rows.length) return [check(name, "INDETERMINATE", "claim_signer_unknown")];
    // Whichever region lists a key besides its own: it is judged as its own region's.
    const signer = rows.find((row) => row.region === claim.region) || rows[0];
    try {
      await offline.verify(message.algorithm, signer, message.signed, message.signature);
    } catch (error) {
      return [check(name, "FAILED", "claim_forged")];
    }
    if (signer.region !== claim.region) return [check(name, "FAILED", "claim_region_mismatch")];
    // Neither signs for the other: a copy's claim never passes for an original's.
    const kind = claim.copy ? "copy-signer" : "claim-signer";
    if (signer.kind !== kind) return [check(name, "FAILED", "claim_forged")];
    const found = [check(name, "PASSED", "claim_valid", claim.region)];
    const { madeAt } = claim;
    if (madeAt < signer.notBefore) found.push(check("chain.claim", "FAILED", "not_yet_valid"));
    else if (madeAt > signer.notAfter) found.push(check("chain.claim", "FAILED", "expired"));
    else if (!offline.grantedAt(signer.service, madeAt)) found.push(check("chain.claim", "FAILED", "not_on_list"));
    else found.push(check("chain.claim", "PASSED", "on_list", claim.region));
    return found;
  }

  function stateCheck(claim, region, at) {
    const lists = (region ? region.statuses : []).filter((each) => each.number === claim.list);
    if (!lists.length) return check("state", "INDETERMINATE", "state_unknown", "没有状态列表");
    const newest = lists.reduce((one, other) => (other.issuedAt > one.issuedAt ? other : one));
    if (at < newest.issuedAt || at > newest.expiresAt) return check("state", "INDETERMINATE", "state_unknown", "状态列表已过期");
    if (claim.index >= 4 * newest.packed.length) return check("state", "INDETERMINATE", "state_unknown", "列表中没有此序号");
    const [outcome, code] = STATES[(newest.packed[claim.index >> 2] >> (2 * (claim.index & 3))) & 3];
    return check("state", outcome, code, code === "void" ? "注销、撤销或吊销" : "");
  }

  function dateCheck(claim, at) {
    const today = offline.chinaDay(at);
    if (claim.madeAt > at) return check("dates", "FAILED", "issued_in_future");
    if (today < claim.from) return check("dates", "FAILED", "dates_not_yet");
    if (claim.until !== null && today > claim.until) return check("dates", "FAILED", "dates_over");
    return check("dates", "PASSED", "dates_valid");
  }

  function copyCheck(claim, at) {
    const until = new Date(claim.copy.until + 8 * 3600000).toISOString().slice(0, 19).replace("T", " ");
    if (claim.madeAt > at) return check("copy", "FAILED", "copy_from_future");
    return at > claim.copy.until
      ? check("copy", "FAILED", "copy_expired", until) : check("copy", "PASSED", "copy_in_force", "见加注件所载");
  }

  function listCheck(region, at) {
    if (!region) return check("region", "INDETERMINATE", "region_unknown");
    if (at > region.nextUpdate) return check("region", "INDETERMINATE", "list_stale", region.name);
    return check("region", "PASSED", "region_known", region.name);
  }

  function summary(claim, region) {
    return {
      identifier: claim.identifier.text, type: (region.types || {})[claim.identifier.type] || claim.identifier.type,
      type_code: claim.identifier.type, region: claim.region, region_name: region.name, authority: claim.identifier.issuer,
      holder: claim.holder, issued: offline.dayText(claim.issued), valid_from: offline.dayText(claim.from),
      valid_until: claim.until === null ? null : offline.dayText(claim.until),
      ...(claim.copy ? { copy_number: claim.copy.number } : {}),
    };
  }

  // `at` in milliseconds. The knowledge's age is the caller's to show.
  async function judge(words, knowledge, at) {
    let message;
    try {
      message = offline.parseClaim(words.trim());
    } catch (error) {
      return { outcome: "FAILED", at, licence: null, checks: [check("claim", "FAILED", error.code, error.message)] };
    }
    const { claim } = message;
    const region = knowledge.regions.find((each) => each.region === claim.region);
    const checks = [check("claim", "PASSED", "claim_well_formed"), ...await signerChecks(message, knowledge)];
    if (worst(checks) === "FAILED") return { outcome: "FAILED", at, licence: null, checks };
    const trusted = worst(checks) === "PASSED" && region;
    checks.push(listCheck(region, at), stateCheck(claim, region, at), dateCheck(claim, at));
    if (claim.copy) checks.push(copyCheck(claim, at));
    // Nothing of a claim is repeated unless a trusted signer says it.
    return { outcome: worst(checks), at, licence: trusted ? summary(claim, region) : null, checks };
  }

  Object.assign(offline, { judge });
})();

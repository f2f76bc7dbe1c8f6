// What the verification page can do by itself: keeps knowledge for later, scans, and answers without a
// network. It shows how old its knowledge is, and never more than the QR code says.
"use strict";

(() => {
  const offline = self.trustOffline;
  const able = Boolean(self.indexedDB && self.crypto && crypto.subtle && self.DecompressionStream && self.BigInt && navigator.serviceWorker);
  const section = document.getElementById("offline");
  const china = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short", hourCycle: "h23" });
  const hours = (milliseconds) => Math.max(0, Math.round(milliseconds / 360000) / 10);

  function reason(check) {
    const found = document.getElementById("reasons").content.querySelector(`[data-code="${CSS.escape(check.code)}"]`);
    const fill = (words) => words.replace("{}", check.detail || "");
    return found ? { zh: fill(found.dataset.zh), en: fill(found.dataset.en) } : { zh: check.code, en: check.code };
  }

  // The report in the service's own form, or null when nothing is known here.
  async function answer(words) {
    const knowledge = able ? await offline.kept() : null;
    if (!knowledge) return null;
    const now = Date.now();
    const report = await offline.judge(words, knowledge, now);
    return {
      ...report, at: new Date(now).toISOString(), changed_after_sealing: null,
      checks: report.checks.map((check) => ({ ...check, reason: reason(check) })), knowledge: age(knowledge, report, now),
    };
  }

  function age(knowledge, report, now) {
    const region = knowledge.regions.find((each) => report.licence && each.region === report.licence.region);
    const lists = region ? region.statuses : [];
    const oldest = lists.length ? Math.min(...lists.map((each) => each.issuedAt)) : knowledge.madeAt;
    const ends = lists.length ? Math.min(...lists.map((each) => each.expiresAt)) : null;
    return { hours: hours(now - oldest), since: oldest, until: ends };
  }

  function say(id, zh, en) {
    const element = document.getElementById(id);
    const english = document.createElement("span");
    english.lang = "en";
    english.textContent = en;
    element.replaceChildren(`${zh} `, english);
    element.hidden = false;
  }

  async function showKnowledge() {
    const knowledge = await offline.kept();
    if (!knowledge) {
      say("offline-state", "本机还没有离线资料。", "This device has no knowledge for offline use yet.");
      return;
    }
    const lists = knowledge.regions.flatMap((each) => each.statuses);
    const ends = lists.length ? Math.min(...lists.map((each) => each.expiresAt)) : Date.now();
    const names = knowledge.regions.map((each) => each.name).join("、");
    const over = ends < Date.now();
    say(
      "offline-state",
      `可离线核验：${names}。资料更新于 ${hours(Date.now() - knowledge.madeAt)} 小时前；${over ? "状态列表已过期，请联网更新。" : `状态列表有效至 ${china.format(ends)}（北京时间）：此前吊销的证照，离线时最迟到那时仍可能显示有效。`}`,
      `Works offline for ${knowledge.regions.length} region(s). Updated ${hours(Date.now() - knowledge.madeAt)} h ago; ${over ? "the status lists are out of date: connect to update." : `status lists end at ${china.format(ends)} (UTC+8): until then a licence revoked meanwhile may still be taken for good.`}`,
    );
  }

  async function update() {
    try {
      await offline.refresh();
    } catch (error) {
      if (error instanceof offline.InvalidSignature || error instanceof offline.BadBundle || error instanceof offline.Malformed) {
        say("offline-alarm", `新的离线资料没有通过检查，仍用原有资料：${error.message}`, `New offline knowledge was refused, the old is kept: ${error.message}`);
      }
    }
    await showKnowledge();
  }

  async function takeFile(file) {
    try {
      await offline.take(await file.text());
    } catch (error) {
      say("offline-alarm", `文件没有通过检查：${error.message}`, `The file was refused: ${error.message}`);
    }
    await showKnowledge();
  }

  function offerCamera(askText) {
    const button = document.getElementById("scan");
    const video = document.getElementById("scan-video");
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
    let stopping = null;
    document.getElementById("scan-card").hidden = false;
    button.addEventListener("click", async () => {
      if (stopping) { stopping.abort(); return; }
      stopping = new AbortController();
      video.hidden = false;
      button.setAttribute("aria-pressed", "true");
      try {
        const found = await offline.readCamera(video, stopping.signal);
        if (found) askText(found);
      } catch (error) {
        say("scan-state", "相机不可用。", "The camera cannot be used.");
      } finally {
        stopping = null;
        video.hidden = true;
        button.setAttribute("aria-pressed", "false");
      }
    });
  }

  // `askText` is the page's own way to verify a code's text.
  function begin(askText) {
    if (!able || !section) return;
    section.hidden = false;
    navigator.serviceWorker.register("/sw.js", { scope: "/v" }).catch(() => {});
    document.getElementById("offline-update").addEventListener("click", update);
    document.getElementById("offline-file").addEventListener("change", (event) => takeFile(event.target.files[0]));
    offerCamera(askText);
    update();
  }

  Object.assign(offline, { able, answer, begin });
})();

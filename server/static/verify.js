// The page works without this file. With it: /v#claim is verified at once, answers come without a
// reload, files can be dropped. Nothing is parsed as HTML: text goes in by textContent only.
"use strict";

const result = document.getElementById("result");
const live = document.getElementById("live");
const ways = document.getElementById("ways");
const WORST_FIRST = ["FAILED", "INDETERMINATE", "PASSED"];

const part = (id) => document.getElementById(id).content.cloneNode(true);

function nameOf(check) {
  const find = (key) => document.getElementById("names").content.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const whole = find(check);
  if (whole) return [whole.dataset.zh, whole.dataset.en];
  const [first, rest] = check.split(".");
  const found = find(first);
  const [zh, en] = found ? [found.dataset.zh, found.dataset.en] : [first, first];
  return rest === "claim" ? [`${zh}（二维码）`, `${en}, QR code`] : [`${zh}（第 ${rest} 个签章）`, `${en}, seal ${rest}`];
}

function changedPart(checks) {
  const made = part("changed");
  for (const check of checks.filter((each) => each.outcome === "FAILED")) {
    const item = document.createElement("li");
    const english = document.createElement("span");
    english.lang = "en";
    english.textContent = check.reason.en;
    item.append(`${check.reason.zh} `, english);
    made.querySelector("ul").append(item);
  }
  return made;
}

function noteFor(report, fromCode) {
  if (!report.licence) return part("note-not_shown");
  if (report.outcome === "INDETERMINATE") return part("note-unconfirmed");
  return fromCode ? part("note-compare") : "";
}

function summaryPart(report, fromCode) {
  const { licence } = report;
  const made = part("summary");
  made.querySelector("h2").after(noteFor(report, fromCode));
  if (!licence) {
    made.querySelector("dl").remove();
    return made;
  }
  for (const row of made.querySelectorAll("[data-row]")) {
    const key = row.dataset.row;
    const value = key === "valid_until" && licence[key] === null ? "长期 No end" : licence[key];
    if (value) row.querySelector("[data-value]").textContent = value;
    else row.remove();
  }
  return made;
}

function checksPart(checks) {
  const made = part("checks");
  const list = made.querySelector("ol");
  const rank = (check) => WORST_FIRST.indexOf(check.outcome);
  for (const check of [...checks].sort((one, other) => rank(one) - rank(other))) {
    const row = part(`check-${check.outcome}`);
    const [zh, en] = nameOf(check.name);
    row.querySelector("[data-name-zh]").textContent = zh;
    row.querySelector("[data-name-en]").textContent = en;
    row.querySelector("[data-zh]").textContent = check.reason.zh;
    row.querySelector("[data-en]").textContent = check.reason.en;
    list.append(row);
  }
  return made;
}

// Without a network: by what knowledge, and how old it is.
function agePart(knowledge) {
  const made = part("offline-note");
  const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short", hourCycle: "h23" });
  const until = knowledge.until ? local.format(knowledge.until) : "—";
  for (const each of made.querySelectorAll("[data-hours]")) each.textContent = knowledge.hours;
  for (const each of made.querySelectorAll("[data-until]")) each.textContent = until;
  return made;
}

function judgedPart(at) {
  const made = part("judged");
  const time = made.querySelector("time");
  time.dateTime = at;
  const china = { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium", hourCycle: "h23" };
  time.textContent = new Intl.DateTimeFormat("sv-SE", china).format(new Date(at));
  return made;
}

function show(report, fromCode) {
  result.replaceChildren(
    part(`banner-${report.outcome}`),
    ...(report.knowledge ? [agePart(report.knowledge)] : []),
    ...(report.changed_after_sealing ? [changedPart(report.checks)] : []),
    summaryPart(report, fromCode),
    checksPart(report.checks),
    judgedPart(report.at),
  );
  result.hidden = false;
  ways.hidden = true;
  document.getElementById("offline").hidden = true;
  live.textContent = "";
  const heading = document.getElementById("outcome");
  document.title = `${heading.firstChild.textContent.trim()} · 核验结果 Verification result`;
  window.scrollTo(0, 0);
  heading.focus(); // a screen reader reads the outcome at once
}

// What this device can say by itself (offline/), or that nothing can be said.
async function answerOffline(words) {
  const offline = self.trustOffline;
  const report = offline && words ? await offline.answer(words) : null;
  if (report) show(report, true);
  else live.textContent = words === null
    ? "没有网络时只能核验二维码。 Without a network only QR codes can be verified."
    : "无法连接服务器，请稍后再试。 The server cannot be reached; try again later.";
}

async function ask(options, fromCode, offlineText) {
  live.textContent = "正在核验…… Verifying…";
  const buttons = document.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch("/v1/verifications", { method: "POST", credentials: "omit", ...options });
    const body = await answer.json();
    if (answer.ok) show(body, fromCode);
    else live.textContent = `${body.title}。 ${body.title_en}: ${body.detail || body.code}`;
  } catch {
    await answerOffline(offlineText);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const askText = (qr) => ask(
  { headers: { "Content-Type": "application/json" }, body: JSON.stringify({ qr: qr.trim() }) }, true, qr.trim(),
);

async function askFile(file) {
  if (!file) return;
  const form = new FormData();
  form.append("file", file);
  const picture = file.type !== "application/pdf" && !/\.pdf$/i.test(file.name);
  const { trustOffline } = self;
  // Without a network the code in a picture is read here.
  const words = !navigator.onLine && picture && trustOffline && trustOffline.able ? await trustOffline.readPicture(file) : null;
  if (words) askText(words);
  else ask({ body: form }, picture, null);
}

for (const id of ["upload", "camera"]) {
  const form = document.getElementById(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    askFile(form.querySelector("input").files[0]);
  });
}
document.getElementById("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  askText(document.getElementById("qr").value);
});

const drop = document.getElementById("upload");
for (const hint of document.querySelectorAll(".drop-hint")) hint.hidden = !matchMedia("(hover: hover)").matches;
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  askFile(event.dataTransfer.files[0]);
});

function readAddress() {
  if (location.hash.length > 1 && location.hash !== "#main") askText(location.hash.slice(1));
}
if (self.trustOffline) trustOffline.begin(askText);
if (location.pathname === "/v") {
  addEventListener("hashchange", readAddress); // another code scanned into the same tab
  readAddress();
}

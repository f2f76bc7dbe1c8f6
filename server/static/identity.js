// Two conveniences; the pages work without either. A page that waits for a phone asks whether it
// has answered, and a form that only carries an answer onward is sent at once.
"use strict";

const waiting = document.querySelector("[data-poll]");
const SECONDS = 2;

async function look() {
  try {
    const answer = await fetch(waiting.dataset.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok || (await answer.json()).state !== "waiting") {
      waiting.submit();
      return;
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(look, SECONDS * 1000);
}

if (waiting) setTimeout(look, SECONDS * 1000);
document.querySelector("[data-send-now]")?.submit();

// One convenience: a part of the page that waits for something is fetched again and put in its
// place when it is different. Without script the page loads itself anew.
"use strict";

const live = document.querySelector("[data-live]");

async function renew() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(live.id);
      const busy = live.contains(document.activeElement) && document.activeElement !== document.body;
      // Whoever is about to press a button keeps it under their finger.
      if (fresh && fresh.innerHTML !== live.innerHTML && !busy) live.replaceChildren(...fresh.childNodes);
    } else {
      location.reload();
      return;
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(renew, Number(live.dataset.live) * 1000);
}

if (live) setTimeout(renew, Number(live.dataset.live) * 1000);

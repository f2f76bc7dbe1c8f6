// What is kept on this device: one bundle, checked when it came in. IndexedDB, nothing about a holder.
"use strict";

(() => {
  const offline = self.trustOffline;
  const KEY = "knowledge";

  function open() {
    return new Promise((resolve, reject) => {
      const asked = indexedDB.open("trust-offline", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }

  async function inStore(mode, act) {
    const database = await open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction("kept", mode);
        const asked = act(transaction.objectStore("kept"));
        transaction.oncomplete = () => resolve(asked.result);
        transaction.onerror = () => reject(transaction.error);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  }

  const kept = () => inStore("readonly", (store) => store.get(KEY));
  const keep = (knowledge) => inStore("readwrite", (store) => store.put(knowledge, KEY));
  const forget = () => inStore("readwrite", (store) => store.delete(KEY));

  // Takes a bundle in: signed by whoever signed the last one, or by one whom that one announced.
  async function take(words) {
    const before = await kept();
    const pinned = before ? [before.certificate, ...before.next] : [];
    const found = await offline.readBundle(words, pinned);
    offline.requireNewer(found, before);
    await keep(found);
    return found;
  }

  async function refresh() {
    const answer = await fetch("/offline/bundle", { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) throw new Error(`the bundle was answered with ${answer.status}`);
    return take(await answer.text());
  }

  Object.assign(offline, { kept, forget, take, refresh });
})();

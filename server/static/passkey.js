// Passkeys (WebAuthn): the one thing here that cannot be done without a script. The options come
// with the page, the answer goes back as an ordinary form.
"use strict";

const form = document.getElementById("passkey");
const live = document.getElementById("live");
const button = form.querySelector("button");

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

// Why the authenticator gave nothing, as a person reads it.
const WORDS = {
  NotAllowedError: ["没有完成：已取消或超时，请再试。", "Not done: cancelled or timed out. Try again."],
  InvalidStateError: ["这个设备上已经有您的通行密钥。", "This device holds a passkey of yours already."],
  SecurityError: ["当前网址不能使用通行密钥。", "Passkeys do not work at this address."],
};

function tell([zh, en]) {
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  live.replaceChildren(`${zh} `, english);
}

function created(credential) {
  const { response } = credential;
  return {
    attestationObject: text(response.attestationObject),
    clientDataJSON: text(response.clientDataJSON),
    transports: response.getTransports ? response.getTransports() : [],
  };
}

function asserted(credential) {
  const { response } = credential;
  return {
    authenticatorData: text(response.authenticatorData),
    clientDataJSON: text(response.clientDataJSON),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : null,
  };
}

async function ask(options) {
  if (form.dataset.act === "create") {
    const publicKey = {
      ...options, challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    };
    const credential = await navigator.credentials.create({ publicKey });
    return [credential, created(credential)];
  }
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
  const credential = await navigator.credentials.get({ publicKey });
  return [credential, asserted(credential)];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!window.PublicKeyCredential) {
    tell(["这个浏览器不支持通行密钥。", "This browser does not know passkeys."]);
    return;
  }
  button.disabled = true;
  try {
    const [credential, response] = await ask(JSON.parse(form.dataset.options));
    form.elements.answer.value = JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
    form.submit();
  } catch (error) {
    tell(WORDS[error.name] || ["没有完成，请再试。", "Not done. Try again."]);
    button.disabled = false;
    button.focus();
  }
});

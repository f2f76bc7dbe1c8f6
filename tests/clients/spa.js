// A single-page application over oidc-client-ts. Its settings are in the fragment at first, then in
// localStorage; the test calls what is in `window.act` and reads what it resolves to.
/* global oidc */
const given = location.hash.length > 1 ? decodeURIComponent(location.hash.slice(1)) : null;
if (given) localStorage.setItem('settings', given);
const settings = JSON.parse(localStorage.getItem('settings'));
const manager = new oidc.UserManager({
  ...settings,
  response_type: 'code',
  automaticSilentRenew: false,
  userStore: new oidc.WebStorageStateStore({ store: localStorage }),
});

const told = (user) => user && {
  sub: user.profile.sub, name: user.profile.name, sid: user.profile.sid, scope: user.scope,
  access_token: user.access_token, refresh_token: user.refresh_token ?? null,
};

window.act = {
  signIn: (extra) => manager.signinRedirect(extra ?? {}),
  user: async () => told(await manager.getUser()),
  renew: async () => told(await manager.signinSilent()),
  // Without the refresh token, through a hidden frame and prompt=none.
  renewInFrame: async () => {
    const user = await manager.getUser();
    user.refresh_token = undefined;
    await manager.storeUser(user);
    return told(await manager.signinSilent());
  },
  revoke: () => manager.revokeTokens(['refresh_token']),
  signOut: () => manager.signoutRedirect({ state: 'left' }),
};

async function start() {
  const query = new URLSearchParams(location.search);
  if (window.parent !== window) return manager.signinSilentCallback();
  if (query.has('code') || query.has('error')) {
    const user = await manager.signinCallback();
    history.replaceState({}, '', '/spa.html');
    return user ? 'signed in' : 'nobody';
  }
  return location.pathname === '/left' ? 'left' : 'ready';
}

start().then(
  (state) => { document.getElementById('state').textContent = state; },
  (error) => { document.getElementById('state').textContent = `failed: ${error}`; },
);

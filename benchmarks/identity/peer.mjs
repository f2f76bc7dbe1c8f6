// node-oidc-provider set up like ours: one confidential client, PKCE demanded, RS256 ID tokens,
// refresh tokens rotated, a sign-in form of its own that verifies an argon2id hash of the same cost as ours.
//
//   node peer.mjs PORT [SQLITE-FILE]        (in memory without a file; prints "ready")
//
// Client id, secret, redirect URI, and the one user come from the environment: BENCH_CLIENT,
// BENCH_SECRET, BENCH_REDIRECT, BENCH_USER, BENCH_PASSWORD, BENCH_ARGON2 (JSON: memory, passes).
import { argon2, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

import Provider from 'oidc-provider';

import { sqliteAdapter } from './sqlite_adapter.mjs';

const [port, file] = process.argv.slice(2);
const env = process.env;
const issuer = `http://localhost:${port}`;
const { memory, passes } = JSON.parse(env.BENCH_ARGON2);
const hash = (message, nonce) =>
  promisify(argon2)('argon2id', { message, nonce, memory, passes, parallelism: 1, tagLength: 32 });
const salt = randomBytes(16);
const kept = await hash(env.BENCH_PASSWORD, salt);

const jwk = (type, options, extra) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...extra,
});

const configuration = {
  adapter: file ? sqliteAdapter(file) : undefined,
  clients: [{
    client_id: env.BENCH_CLIENT, client_secret: env.BENCH_SECRET,
    redirect_uris: [env.BENCH_REDIRECT],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    id_token_signed_response_alg: 'RS256',
  }],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: sub }) }),
  // The account consents to everything as it signs in: the form is the only page.
  loadExistingGrant: async (ctx) => {
    const { client, session, provider } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope('openid profile offline_access');
    await grant.save();
    return grant;
  },
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  issueRefreshToken: (_ctx, client, code) =>
    client.grantTypeAllowed('refresh_token') && code.scopes.has('profile'),
  jwks: {
    keys: [
      jwk('rsa', { modulusLength: 2048 }, { alg: 'RS256', kid: 'rs' }),
      jwk('ec', { namedCurve: 'P-256' }, { alg: 'ES256', kid: 'es' }),
    ],
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'profile', 'offline_access'],
  claims: { openid: ['sub'], profile: ['name'] },
  ttl: {
    AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, Grant: 86400, IdToken: 300,
    Interaction: 3600, RefreshToken: 86400, Session: 43200,
  },
};

const provider = new Provider(issuer, configuration);
const answer = provider.callback();

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

async function signIn(request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><form method="post" action="/sign-in/${uid}"><input name="username">`
      + '<input name="password" type="password"><button name="go" value="yes">OK</button></form>',
    );
    return;
  }
  const form = await body(request);
  const given = await hash(form.get('password') ?? '', salt);
  if (form.get('username') !== env.BENCH_USER || !timingSafeEqual(given, kept)) {
    response.statusCode = 403;
    response.end('wrong');
    return;
  }
  const result = { login: { accountId: env.BENCH_USER, amr: ['pwd'] } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

createServer((request, response) => {
  if (!request.url.startsWith('/sign-in/')) return answer(request, response);
  return signIn(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));

// openid-client 6 as a platform would use it. Told what to do by one JSON argument; asks for the
// browser by printing {"visit": URL} and reading where it arrived; ends with {"result": ...}.
import { createInterface } from 'node:readline';

import * as client from 'openid-client';

const asked = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function visit(url) {
  console.log(JSON.stringify({ visit: url.href }));
  return new URL((await lines.next()).value);
}

async function ownKey() {
  const { key, kid, alg } = asked;
  const name = { ES256: { name: 'ECDSA', namedCurve: 'P-256' } }[alg];
  return { key: await crypto.subtle.importKey('jwk', key, name, false, ['sign']), kid };
}

const method = asked.key
  ? client.PrivateKeyJwt(await ownKey())
  : client.ClientSecretBasic(asked.client_secret);
const config = await client.discovery(
  new URL(asked.issuer), asked.client_id,
  { client_secret: asked.client_secret, ...asked.metadata }, method,
  { execute: [client.allowInsecureRequests] },
);
const DPoP = asked.dpop
  ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  : undefined;

const result = {};

async function signIn() {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const parameters = {
    redirect_uri: asked.redirect_uri, scope: asked.scope, state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256', ...asked.parameters,
  };
  const url = asked.par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters);
  const arrived = await visit(url);
  const tokens = await client.authorizationCodeGrant(
    config, arrived,
    { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
    undefined, { DPoP },
  );
  return tokens;
}

const acts = {
  async login() {
    const tokens = await signIn();
    const claims = tokens.claims();
    const said = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
    Object.assign(result, { claims, userinfo: said, token_type: tokens.token_type });
    result.pushed = asked.par === true;
    if (tokens.refresh_token) {
      const renewed = await client.refreshTokenGrant(
        config, tokens.refresh_token, undefined, { DPoP },
      );
      const again = await client.fetchUserInfo(config, renewed.access_token, claims.sub, { DPoP });
      result.renewed = { sub: again.sub, rotated: renewed.refresh_token !== tokens.refresh_token };
      const told = await client.tokenIntrospection(config, renewed.access_token);
      result.introspected = { active: told.active, cnf: told.cnf };
      await client.tokenRevocation(config, renewed.refresh_token ?? tokens.refresh_token);
      result.after_revocation = await refused(() => client.refreshTokenGrant(
        config, renewed.refresh_token ?? tokens.refresh_token, undefined, { DPoP },
      ));
    }
    if (asked.after_logout) {
      const left = await visit(client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token, post_logout_redirect_uri: asked.after_logout, state: 'left',
      }));
      result.left = left.href;
    }
  },
  async machine() {
    const tokens = await client.clientCredentialsGrant(config, asked.parameters, { DPoP });
    Object.assign(result, { token_type: tokens.token_type, scope: tokens.scope });
  },
  async device() {
    const begun = await client.initiateDeviceAuthorization(config, { scope: asked.scope });
    result.user_code = begun.user_code;
    await visit(new URL(begun.verification_uri_complete ?? begun.verification_uri));
    const tokens = await client.pollDeviceAuthorizationGrant(config, begun, undefined, { DPoP });
    result.claims = tokens.claims();
  },
};

async function refused(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return error.error ?? error.code ?? String(error);
  }
}

try {
  await acts[asked.act]();
  console.log(JSON.stringify({ result }));
} catch (error) {
  const cause = error.cause instanceof Error ? error.cause.message : error.cause;
  console.log(JSON.stringify({ failed: String(error), code: error.code, error: error.error,
    description: error.error_description, cause, so_far: result }));
}
process.exit(0);

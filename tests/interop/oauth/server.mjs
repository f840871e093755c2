// A certified OAuth 2.0 server on a free port of 127.0.0.1.
//
// It prints `listening ISSUER` once it serves, and ends when its standard input is closed. Every user
// who signs in on its development pages is accepted.

import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const SECRET = 's:e/c+r=t %1';

const service = (client_id, token_endpoint_auth_method) => ({
  client_id,
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method,
});

const native = (client_id, grant, rest) => ({
  client_id,
  application_type: 'native',
  grant_types: [grant, 'refresh_token'],
  token_endpoint_auth_method: 'none',
  ...rest,
});

const browser = { response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'] };

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      service('service', 'client_secret_basic'),
      service('service-post', 'client_secret_post'),
      native('app', 'authorization_code', browser),
      native('hasty-app', 'authorization_code', browser),
      native('tv', DEVICE, { response_types: [], redirect_uris: [] }),
    ],
    cookies: { keys: ['for tests alone'] },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
    },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: (ctx, code, client) => (client.clientId === 'hasty-app' ? 1 : 60),
      ClientCredentials: 600,
      DeviceCode: 120,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`listening ${issuer}`);
});

process.stdin.on('end', () => process.exit(0)).resume();

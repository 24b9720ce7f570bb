// A city's single sign-on for tests: lets in anybody by any name, which is the account, too.
// Arguments: port on the loopback, the client's secret, and where it comes back to. Makes new keys at each start.
// Prints a line when it serves, and ends with its standard input, so that it can't outlive the test that started it.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Provider } from 'oidc-provider'

const [port, secret, redirect] = process.argv.slice(2)

const key = (algorithm, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  alg: algorithm,
  use: 'sig',
  kid: randomBytes(8).toString('hex'),
})

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'citybrain', client_secret: secret, redirect_uris: [redirect] }],
  jwks: { keys: [key('RS256', 'rsa', { modulusLength: 2048 }), key('ES256', 'ec', { namedCurve: 'P-256' })] },
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id.split('@')[0] }),
  }),
})
provider.listen(Number(port), '127.0.0.1', () => console.log('serving'))
process.stdin.on('end', () => process.exit()).resume()

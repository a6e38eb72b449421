import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { encryptToMerchant, isSignedBy, proveMerchantKey, readSignature, signMerchantKey, type MerchantKey, type ProvenMerchantKey } from '@ngome/signatures'
import { TestAuthority } from '@ngome/testkit'
import { signedRequestsAreVerified } from './probes/signed-requests-are-verified.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const custodian = generateKeyPairSync('ed25519')
const foreign = generateKeyPairSync('rsa', { modulusLength: 3_072 })
const page = '{"object":"list","data":[]}'

/** What a saboteur left out of a gateway. */
type Sabotage = 'none' | 'refuses all' | 'replays' | 'queries' | 'signers' | 'unsigned changes' | 'plain answers' | 'answers to another key'
let sabotage: Sabotage = 'none'
let key: ProvenMerchantKey
let seen = new Set<string>()
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    request.resume().on('end', () => void answer(request).then(([status, text]) => response.writeHead(status, { connection: 'close' }).end(text)))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

async function answer(request: IncomingMessage): Promise<readonly [number, string]> {
  if (sabotage === 'refuses all') return [401, '']
  if (request.method === 'POST') return [sabotage === 'unsigned changes' ? 201 : 401, '']
  if (request.headers.accept === 'application/jose') {
    return [200, sabotage === 'plain answers' ? page : await encryptToMerchant(sabotage === 'answers to another key' ? proven(foreign.publicKey) : key, Buffer.from(page))]
  }
  const field = (name: string): string | undefined => request.headers[name]?.toString()
  const target = sabotage === 'queries' ? '/v1/payments?limit=1' : request.url ?? ''
  const reading = readSignature({ method: 'GET', target, host: request.headers.host ?? '', field }, from.clock.nowMs())
  if (!reading.ok) return [401, '']
  const isFresh = !seen.has(reading.stated.nonce) || sabotage === 'replays'
  seen.add(reading.stated.nonce)
  const isRight = await isSignedBy(key, reading.stated) || sabotage === 'signers'
  return isFresh && isRight ? [200, page] : [401, '']
}

function proven(publicKey: KeyObject): ProvenMerchantKey {
  const row: MerchantKey = {
    id: newId('merchantSigningKey', from), tenant, algorithm: 'rsa-pss-sha512', uses: ['sign', 'encrypt'], expiresAtMs: from.clock.nowMs() + 60_000,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
  }
  return proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), createPublicKey(custodian.privateKey), from.clock.nowMs()) ?? assert.fail()
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['refuses all', 'fails: a request that its merchant signed'], ['replays', 'fails: a signed request that came before'],
  ['queries', 'fails: a signed request whose query'], ['signers', 'fails: a'], ['unsigned changes', 'fails: an unsigned change'],
  ['plain answers', 'fails: an answer'], ['answers to another key', 'fails: an answer'],
]
for (const [what, verdict] of found) {
  test(`a gateway that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    seen = new Set()
    const [result] = await runProbes([signedRequestsAreVerified], {
      gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
      addMerchantKey: async (publicKey) => {
        key = proven(publicKey)
        return { tenant, apiKey: new Secret('key'), keyId: key.id }
      },
      ...from,
    }, new ManualClock(0))
    assert.ok(`${result?.status}: ${result?.evidence}`.startsWith(verdict), `${result?.status}: ${result?.evidence}`)
  })
}

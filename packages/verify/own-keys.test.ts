import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { isContentDigest, isSignedBy, proveMerchantKey, readSignature, signMerchantKey, type MerchantKey, type ProvenMerchantKey } from '@ngome/signatures'
import { TestAuthority } from '@ngome/testkit'
import { merchantsRollTheirOwnKeys } from './probes/merchants-roll-their-own-keys.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const custodian = generateKeyPairSync('ed25519')
const founder = 'founder'

/** What a saboteur left out of a gateway. */
type Sabotage = 'none' | 'makes none' | 'unsigned' | 'signers' | 'scopes' | 'replays' | 'shows again' | 'hides the date' | 'rolls none'
  | 'ends at once' | 'never ends' | 'dead successor' | 'keeps itself'
let sabotage: Sabotage = 'none'
let signer: ProvenMerchantKey
let startedAtMs = 0
/** Time passes twice as fast for the platform. */
const clock = { nowMs: () => startedAtMs + (systemClock.nowMs() - startedAtMs) * 2 }
type Kept = { readonly id: string; endsAtMs: number }
let keys = new Map<string, Kept>()
let seen = new Set<string>()
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer(request, Buffer.concat(chunks)).then(([status, body]) => response.writeHead(status, { connection: 'close' }).end(JSON.stringify(body))))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

type Said = readonly [status: number, body: object]

async function answer(request: IncomingMessage, body: Buffer): Promise<Said> {
  const text = request.headers.authorization?.slice('Bearer '.length) ?? ''
  const own = keys.get(text)
  if (text !== founder && (own === undefined || own.endsAtMs <= clock.nowMs())) return [401, {}]
  const path = request.url ?? ''
  if (request.method === 'GET') return [200, path.startsWith('/v1/api_keys/') ? view(path.slice('/v1/api_keys/'.length), sabotage === 'shows again' ? text : null) : {}]
  if (path === '/v1/api_keys/self/revoke') {
    if (own !== undefined && sabotage !== 'keeps itself') own.endsAtMs = 0
    return [200, {}]
  }
  const refusal = await refusalOf(request, body)
  if (refusal !== undefined) return [refusal, {}]
  if ((JSON.parse(body.toString()) as { scopes?: string[] }).scopes?.includes('keys:write') === true && sabotage !== 'scopes') return [403, {}]
  return path === '/v1/api_keys' ? create() : roll(path)
}

function create(): Said {
  if (sabotage === 'makes none') return [403, {}]
  const { id, text } = make()
  return [201, view(id, text)]
}

function roll(path: string): Said {
  if (sabotage === 'rolls none') return [409, {}]
  const id = path.split('/')[3] ?? ''
  const endsAtMs = clock.nowMs() + 2_000
  const old = [...keys.values()].find((one) => one.id === id)
  if (old !== undefined && sabotage !== 'never ends') old.endsAtMs = sabotage === 'ends at once' ? 0 : endsAtMs
  const { id: successor, text } = make()
  const kept = keys.get(text)
  if (kept !== undefined && sabotage === 'dead successor') kept.endsAtMs = 0
  return [201, { ...view(successor, text), old_key: id, old_key_works_until: new Date(endsAtMs).toISOString() }]
}

function make(): { readonly id: string; readonly text: string } {
  const { id, text } = newApiKey({ world: 'test', ...from })
  const shown = text.expose((value) => value)
  keys.set(shown, { id, endsAtMs: Infinity })
  return { id, text: shown }
}

function view(id: string, secret: string | null): object {
  return { id, ...secret === null ? {} : { secret }, ...sabotage === 'hides the date' ? {} : { rotate_by: new Date(clock.nowMs() + 90 * 86_400_000).toISOString() } }
}

/** As the gateway looks at a signature, but for what a saboteur took out. */
async function refusalOf({ headers, method = '', url = '' }: IncomingMessage, body: Buffer): Promise<number | undefined> {
  if (headers['signature'] === undefined) return sabotage === 'unsigned' ? undefined : 401
  const field = (name: string): string | undefined => headers[name]?.toString()
  if (!isContentDigest(field('content-digest') ?? '', body)) return 401
  const isReplay = seen.has(field('signature') ?? '')
  seen.add(field('signature') ?? '')
  if (isReplay) return sabotage === 'replays' ? undefined : 401
  const reading = readSignature({ method, target: url, host: headers.host ?? '', field }, clock.nowMs())
  if (!reading.ok) return 401
  return await isSignedBy(signer, reading.stated) || sabotage === 'signers' ? undefined : 401
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['makes none', 'fails: a merchant that signed for it got no API key'], ['unsigned', 'fails: an unsigned request'],
  ['signers', 'fails: a request that another key signed'], ['scopes', 'fails: a request for a scope'], ['replays', 'fails: a signed request that came before'],
  ['shows again', 'fails: the text of a key is shown a second time'], ['hides the date', 'fails: a merchant does not see'],
  ['rolls none', 'fails: a merchant that signed for it could not roll'], ['ends at once', 'fails: a key that was rolled does not work until'],
  ['never ends', 'fails: a key that was rolled works past its end'], ['dead successor', 'fails: the successor of a key does not work'],
  ['keeps itself', 'fails: a key that ended itself works on'],
]
for (const [what, verdict] of found) {
  test(`a gateway that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    startedAtMs = systemClock.nowMs()
    keys = new Map()
    seen = new Set()
    const [result] = await runProbes([merchantsRollTheirOwnKeys], {
      gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
      addMerchantSigner: async (publicKey) => {
        const row: MerchantKey = {
          id: newId('merchantSigningKey', from), tenant, algorithm: 'ed25519', uses: ['sign'], expiresAtMs: from.clock.nowMs() + 86_400_000,
          spki: publicKey.export({ format: 'der', type: 'spki' }),
        }
        signer = proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), createPublicKey(custodian.privateKey), from.clock.nowMs()) ?? assert.fail()
        return { tenant, apiKey: new Secret(founder), keyId: row.id }
      },
      clock, random: systemRandom,
    }, new ManualClock(0))
    assert.ok(`${result?.status}: ${result?.evidence}`.startsWith(verdict), `${result?.status}: ${result?.evidence}`)
  })
}

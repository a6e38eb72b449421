import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { signCheckpoint } from '@ngome/audit'
import { custodianLogOrigin } from '@ngome/contracts'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import type { OpeningsLog } from './custodian/openings-log.ts'
import { forbiddenForwardIsRefused } from './probes/forbidden-forward-is-refused.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const token = newId('vaultToken', from)
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const keys = generateKeyPairSync('ed25519')
const forgersKeys = generateKeyPairSync('ed25519')
const refused = { caller: 'dispatcher/01', operation: '/v1/open', outcome: 'refused', reason: 'x', subject: `forward ${tenant.merchant}/test/vault_tokens/${token}/v1` } as const

/** A platform that refuses as it should, but for what a test changes. */
type World = {
  status: number
  refusals: number
  forwards: number
  rows: { caller: string; operation: string; outcome: 'allowed' | 'refused'; reason: string; subject: string }[]
  key: KeyObject
}

let server: Server
let authority: TestAuthority
let asked: unknown
let answers = 403
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString() }).on('end', () => {
      asked = { path: request.url, body: JSON.parse(text) as unknown }
      response.writeHead(answers, { connection: 'close' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

async function look(world: World): Promise<string> {
  let wasAsked = false
  answers = world.status
  const pull: OpeningsLog['pull'] = async ({ after: sequence, prove }) => {
    const entries = world.rows.map((row, at) => ({ ...row, sequence: at + 8, at: new Date(0).toISOString() })).filter((row) => row.sequence > sequence)
    if (prove === undefined) return { entries }
    const checkpoint = signCheckpoint({ origin: custodianLogOrigin(keys.publicKey), size: 7, root: Buffer.alloc(32) }, { privateKey: world.key, publicKey: keys.publicKey })
    return { entries: [], proof: { checkpoint, consistency: null, inclusion: null } }
  }
  const [result] = await runProbes([forbiddenForwardIsRefused], {
    gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    plantedCard: () => Promise.resolve({ id: token, digits: '9970123456789013', askedOf: null }),
    merchant: () => Promise.resolve({ tenant, apiKey: new Secret('key') }),
    auditor: {
      query: <Row>(sql: string) => {
        const isAfter = wasAsked || asked !== undefined
        wasAsked = isAfter
        const added = sql.includes('events') ? world.refusals : world.forwards
        return Promise.resolve([{ n: String(5 + (isAfter ? added : 0)) }] as unknown as readonly Row[])
      },
    },
    custodian: { statementKey: () => Promise.resolve(keys.publicKey) }, openingsLog: { pull }, random: systemRandom,
  }, new ManualClock(0))
  if (world.key === keys.privateKey) assert.deepEqual(asked, { path: '/v1/forward', body: { method: 'POST', url: 'https://probe.invalid/charges', json: { card: `{{${token}}}` } } })
  asked = undefined
  return `${result?.status}: ${result?.evidence}`
}

const found: readonly (readonly [claim: string, status: string, changes: Partial<World>])[] = [
  ['a refusal that is recorded, and nothing opened, holds', 'holds', {}],
  ['other openings, and refused ones of this card, are not a failure', 'holds', { rows: [refused, { ...refused, outcome: 'allowed', subject: 'dispatch another' }] }],
  ['a forward that is accepted fails', 'fails', { status: 202 }],
  ['a forward that is refused for another reason than the place fails', 'fails', { status: 422 }],
  ['a refusal that nobody records fails', 'fails', { refusals: 0 }],
  ['a forward that is kept all the same fails', 'fails', { forwards: 1 }],
  ['a card that is opened fails', 'fails', { rows: [{ ...refused, outcome: 'allowed' }] }],
  ['a log that the custodian did not sign fails', 'fails', { key: forgersKeys.privateKey }],
]
for (const [claim, status, changes] of found) {
  test(claim, async () => {
    assert.match(await look({ status: 403, refusals: 1, forwards: 0, rows: [], key: keys.privateKey, ...changes }), new RegExp(`^${status}`))
  })
}

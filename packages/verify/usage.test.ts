import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { newApiKey, parseApiKey } from '@ngome/access'
import { ManualClock, newId, systemClock, systemRandom, type Secret } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import type { Auditor } from './at-rest/auditor.ts'
import type { Probe } from './probe.ts'
import { merchantsSeeTheirOwnLogs } from './probes/merchants-see-their-own-logs.ts'
import { unusualUseIsFlagged } from './probes/unusual-use-is-flagged.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
/** What the platform under test gets wrong. */
type Sabotage = { alerts?: 'none' | 'of another key'; logs?: 'none' | 'shared' | 'without refusals'; bad?: 200 }

let authority: TestAuthority
let server: Server
let sabotage: Sabotage = {}
/** By merchant: the requests that came with its keys, and how many ids or secrets were guessed with each. */
const owners = new Map<string, string>()
let log: { owner: string; key: string; status: number; agent: string | null }[] = []

before(async () => {
  authority = await TestAuthority.create()
  const { csr, privateKey } = await newCertificateRequest('gateway')
  const cert = await authority.issue(csr, 'gateway')
  server = createServer({ cert, key: privateKey.expose((key) => key), minVersion: 'TLSv1.3' }, (request, response) => {
    const text = (request.headers.authorization ?? '').slice('Bearer '.length)
    const key = parseApiKey(text)?.id ?? ''
    const owner = [...owners].find(([known]) => known.includes(key.slice(4)))?.[1] ?? ''
    const path = request.url ?? ''
    const status = !owners.has(text) ? sabotage.bad ?? 401 : path.startsWith('/v1/payments/') ? 404 : 200
    log.push({ owner, key, status, agent: request.headers['user-agent'] ?? null })
    response.writeHead(status, { connection: 'close' }).end(JSON.stringify(bodyOf(owner, path)))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => server.close())

function bodyOf(owner: string, path: string): object {
  if (path.startsWith('/v1/alerts')) {
    const key = path.split('=')[1] ?? ''
    const count = (status: number): number => log.filter((line) => line.key === key && line.status === status).length
    const kinds = [...count(404) > 20 ? ['enumeration'] : [], ...count(401) > 10 ? ['failed_authentications'] : []]
    return {
      object: 'list', next_cursor: null, data: sabotage.alerts === 'none' ? [] : kinds.map((kind) => ({
        id: newId('alert', from), object: 'alert', at: new Date(0).toISOString(), kind, score: 90, reason: 'seen', evidence: {}, response: 'notify',
        key: sabotage.alerts === 'of another key' ? newId('apiKey', from) : key,
      })),
    }
  }
  const shown = sabotage.logs === 'none' ? [] : log.filter((line) => (sabotage.logs === 'shared' || line.owner === owner)
    && !(sabotage.logs === 'without refusals' && line.status === 401))
  return {
    object: 'list', next_cursor: null, data: shown.map(({ key, status, agent }) => ({
      id: newId('request', from), object: 'request', at: new Date(0).toISOString(), key, operation: 'getPayment', status, fault: null, latency_ms: 1,
      address: null, country: null, agent,
    })),
  }
}

function issue(owner: string): Secret<string> {
  const { text } = newApiKey({ world: 'test', ...from })
  owners.set(text.expose((value) => value), owner)
  return text
}

const auditor = (count: number): Auditor => ({ query: <Row>() => Promise.resolve([{ n: String(count) }] as unknown as readonly Row[]) })

async function look<T extends object>(probe: Probe<T>, wrong: Sabotage, events = 1): Promise<string> {
  sabotage = wrong
  owners.clear()
  log = []
  const gateway = { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const merchant = (which: 'first' | 'second') => Promise.resolve({ tenant: { merchant: newId('merchant', from), world: 'test' as const }, apiKey: issue(which) })
  const target = {
    gateway, authority: authority.pem, auditor: auditor(events), alertMsMax: 50, merchant, ...from,
    issueKeys: (count: number) => Promise.resolve(Array.from({ length: count }, () => issue('first'))),
  }
  const [result] = await runProbes([probe], target as unknown as T, new ManualClock(0))
  return result?.status ?? 'none'
}

test('guessing that becomes an alert and an event holds', async () => assert.equal(await look(unusualUseIsFlagged, {}), 'holds'))
test('guessing that nobody notices fails', async () => assert.equal(await look(unusualUseIsFlagged, { alerts: 'none' }), 'fails'))
test('an alert about another key fails', async () => assert.equal(await look(unusualUseIsFlagged, { alerts: 'of another key' }), 'fails'))
test('an alert without its event fails', async () => assert.equal(await look(unusualUseIsFlagged, {}, 0), 'fails'))

test('logs of each merchant\u2019s own, and an alert for failed attempts, hold', async () => assert.equal(await look(merchantsSeeTheirOwnLogs, {}), 'holds'))
const sabotages: readonly (readonly [string, Sabotage])[] = [
  ['a log that shows another merchant\u2019s requests', { logs: 'shared' }], ['a log without the merchant\u2019s requests', { logs: 'none' }],
  ['a log without failed attempts', { logs: 'without refusals' }], ['failed attempts without an alert', { alerts: 'none' }],
  ['a key with another secret that opens', { bad: 200 }],
]
for (const [claim, wrong] of sabotages) test(`${claim} fails`, async () => assert.equal(await look(merchantsSeeTheirOwnLogs, wrong), 'fails'))

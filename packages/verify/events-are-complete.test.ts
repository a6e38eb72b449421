import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { eventIdOf, eventView, firstEvent, type ObjectEvent } from '@ngome/payments'
import { newWebhookSecret, parseWebhookSecret, signWebhook } from '@ngome/signatures'
import { TestAuthority } from '@ngome/testkit'
import { eventsAreComplete } from './probes/events-are-complete.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const secret = newWebhookSecret(systemRandom)

/** What a saboteur left out of a platform. */
type Sabotage = 'none' | 'refuses endpoints' | 'tells ends only' | 'tells the end first' | 'signs something else' | 'lists nothing' | 'lists one less'
  | 'lists another amount' | 'leaves a number out' | 'refuses the list'
let sabotage: Sabotage = 'none'
let url = ''
let events: readonly ObjectEvent[] = []
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (call, response) => {
    const chunks: Buffer[] = []
    call.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const [status, text] = answer(call.method ?? '', Buffer.concat(chunks).toString())
      response.writeHead(status, { connection: 'close' }).end(text)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

function answer(method: string, body: string): readonly [number, string] {
  if (method === 'DELETE') return [204, '']
  if (method === 'GET') {
    const views = events.map(eventView)
    const listed = sabotage === 'lists nothing' ? [] : sabotage === 'lists one less' ? views.slice(0, -1)
      : sabotage === 'lists another amount' ? views.map((view) => ({ ...view, data: { ...view.data, amount: '9' } })) : views
    return [sabotage === 'refuses the list' ? 403 : 200, JSON.stringify({ object: 'list', data: listed, next_cursor: 'c' })]
  }
  if (sabotage === 'refuses endpoints') return [422, '{}']
  ;({ url } = JSON.parse(body) as { url: string })
  const now = new Date(systemClock.nowMs()).toISOString()
  return [201, JSON.stringify({
    id: newId('webhookEndpoint', from), object: 'webhook_endpoint', world: 'test', url, encryption: 'none', event_types: null, held_since: null,
    held_because: null, failing_since: null, disabled_at: null, disabled_because: null, created_at: now, secret_created_at: now,
    previous_secret_ends_at: null, secret: secret.expose((text) => text),
  })]
}

/** A payment's whole way, as a platform tells it. */
async function pay(): Promise<{ id: ReturnType<typeof newPayment> }> {
  const id = newPayment()
  const movement = {
    id, direction: 'collection', network: 'mtn-sandbox', currency: 'UGX', amountMinor: 500n, feeMinor: 0n, reference: 'r', payerMasked: '+256•••456',
    original: null, createdAtMs: systemClock.nowMs(),
  } as const
  const accepted = firstEvent({ ...movement, tenant, status: 'accepted' })
  const later = (status: 'processing' | 'succeeded', number: number): ObjectEvent => {
    const sequence = sabotage === 'leaves a number out' ? number + 1 : number
    return {
      ...accepted, id: eventIdOf(tenant, id, sequence, movement.createdAtMs), sequence, kind: 'movement', type: `payment.${status}`, movement,
      facts: { status, failure: null },
    }
  }
  events = [accepted, later('processing', 2), later('succeeded', 3)]
  const told = sabotage === 'tells ends only' ? events.slice(-1) : sabotage === 'tells the end first' ? events.toReversed() : events
  for (const event of told) await send(Buffer.from(JSON.stringify(eventView(event))))
  return { id }
}

const newPayment = () => newId('payment', from)

async function send(body: Uint8Array): Promise<void> {
  const opened = parseWebhookSecret(secret) ?? assert.fail()
  const toSign = sabotage === 'signs something else' ? Buffer.from('{}') : body
  const headers = signWebhook([opened], { id: newId('webhookDelivery', from), timestampS: Math.floor(systemClock.nowMs() / 1_000), body: toSign })
  await new Promise<void>((resolve, reject) => {
    request(url, { method: 'POST', headers }, (response) => { response.resume().on('end', resolve) }).on('error', reject).end(body)
  })
}

const targetOf = (webhookAddress: { host: string; port: number } | undefined) => ({
  gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
  addMerchantSigner: async () => ({ tenant, apiKey: new Secret('key'), keyId: newId('merchantSigningKey', from) }),
  webhookAddress, pay, webhookMsMax: 200, ...from,
})

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['refuses endpoints', 'fails: an endpoint that is to be told of every change was answered 422'],
  ['tells ends only', 'fails: no webhook came of change 1'], ['tells the end first', 'fails: the first change of a payment was not told first'],
  ['signs something else', 'fails: a webhook is not signed'], ['lists nothing', 'fails: 3 changes of a payment were told, and 0 are listed'],
  ['lists one less', 'fails: 3 changes of a payment were told, and 2 are listed'], ['lists another amount', 'fails: change 1 of a payment is listed otherwise'],
  ['leaves a number out', 'fails: no webhook came of change 2'], ['refuses the list', 'fails: the list of events was answered 403'],
]
for (const [what, verdict] of found) {
  test(`a platform that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    const [result] = await runProbes([eventsAreComplete], targetOf({ host: '127.0.0.1', port: 0 }), new ManualClock(0))
    const seen = `${result?.status}: ${result?.evidence}`
    assert.ok(seen.startsWith(verdict), seen)
  })
}

test('where the operator allows no address here, the look is partial', async () => {
  const [nowhere] = await runProbes([eventsAreComplete], targetOf(undefined), new ManualClock(0))
  assert.equal(nowhere?.status, 'partial', nowhere?.evidence ?? '')
})

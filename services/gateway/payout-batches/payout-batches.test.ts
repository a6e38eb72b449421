import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { payoutBatchPartSchema, payoutBatchSchema, payoutPageSchema, sealedPaymentSchema, type PayoutBatchView } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { digestOf, type Answer } from '@ngome/testkit'
import { collectMoney } from '../testing/collect-money.ts'
import { openMovement, openSealed } from '../testing/open-sealed.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let maker: SigningMerchant

function withFees(config: Config): Config {
  const [sandbox] = Object.values(config.networks)
  assert.ok(sandbox)
  return {
    ...config,
    payouts: { ...config.payouts, approvalOver: { EUR: '600.00', UGX: '600' } },
    networks: {
      'mtn-sandbox': { ...sandbox, fees: { payout: { fixed: '0.10', basisPoints: 0, min: '0' } } },
      'ugx': { ...sandbox, currency: 'UGX', callingCode: '256' },
      'only-in': { ...sandbox, directions: ['collection'] },
    },
  }
}

before(async () => {
  running = await TestGateway.start({ config: withFees })
  const merchant = await running.addMerchant()
  await collectMoney(running, merchant, { amount: '900.00' })
  maker = await SigningMerchant.of(running, merchant)
})
after(() => running.close())

const phone = '+46733198765'
const overLimit = newId('payoutBatch', { clock: systemClock, random: systemRandom })
type Row = { reference: string; amount: string; payee: { phone: string }; network?: string; description?: string }
const row = (at: number, change: Partial<Row> = {}): Row => ({ reference: `w-${at}`, amount: '1.00', payee: { phone }, ...change })
const rowsOf = (count: number, from = 0): Row[] => Array.from({ length: count }, (_, at) => row(from + at))
/** What each batch here was opened with, which no other one may have. */
const references = new Map<string, string>()
let opened = 0
const newReference = (): string => `wages-${++opened}`
const partOf = (id: string, part: number, payouts: readonly Row[]) => ({ part, batch_reference: references.get(id) ?? 'wages', currency: 'EUR', network: 'mtn-sandbox', payouts })
const batchIn = (answer: Answer): PayoutBatchView => {
  assert.ok(answer.status < 300, answer.text)
  return payoutBatchSchema.parse(JSON.parse(answer.text))
}
const open = async (count: number, by = maker, total = `${count}.00`): Promise<string> => {
  const { id, reference } = batchIn(await by.post('/v1/payout_batches', { reference: newReference(), currency: 'EUR', count, total }))
  references.set(id, reference)
  return id
}
const pathOf = (id: string): string => `/v1/payout_batches/${id}/payouts`
const read = async (id: string): Promise<PayoutBatchView> => batchIn(await maker.get(`/v1/payout_batches/${id}`))

/** All that a part would leave. */
async function rowCounts(): Promise<unknown> {
  const tables = ['payments', 'transfers', 'idempotency', 'signed_request_nonces', 'api_key_days', 'payout_batches', 'payout_batch_openings', 'payout_batch_parts', 'payout_batch_rows', 'object_events']
  const [counts] = await running.database.asAdmin(`SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ngome.${table}) AS ${table}`).join(', ')},
    (SELECT count(*)::int FROM pgboss.job) AS jobs, (SELECT count(*)::int FROM ngome.events WHERE type LIKE 'pay%') AS events`)
  return counts
}

async function refused(ask: () => Promise<Answer>, status: number, code: string, errors?: readonly (readonly [string, string?])[]): Promise<void> {
  const counts = await rowCounts()
  const answer = await ask()
  const problem = problemIn(answer)
  assert.deepEqual([answer.status, problem.code], [status, code], answer.text)
  if (errors !== undefined) assert.deepEqual(problem.errors?.map((one) => one.code === undefined ? [one.pointer] : [one.pointer, one.code]), errors)
  assert.deepEqual(await rowCounts(), counts, 'nothing was written')
}

suite('a batch', () => {
  test('is opened, filled by parts in any order, read, listed, and complete with its last row', async () => {
    const id = await open(5)
    assert.equal((await read(id)).status, 'open')
    const second = payoutBatchPartSchema.parse(JSON.parse((await maker.post(pathOf(id), partOf(id, 2, rowsOf(2, 3)))).text))
    assert.partialDeepStrictEqual(second, { batch: id, part: 2, count: 2, total: '2.00', fee: '0.20' })
    assert.equal((await maker.post(pathOf(id), partOf(id, 1, rowsOf(3)))).status, 201)
    assert.partialDeepStrictEqual(await read(id), {
      status: 'complete', accepted: { count: 5, total: '5.00' }, by_status: [{ status: 'accepted', count: 5, total: '5.00' }],
    })
    const first = payoutPageSchema.parse(JSON.parse((await maker.get(`/v1/payouts?batch=${id}&limit=3`)).text))
    const rest = payoutPageSchema.parse(JSON.parse((await maker.get(`/v1/payouts?batch=${id}&limit=3&cursor=${first.next_cursor ?? ''}`)).text))
    assert.deepEqual([...first.data, ...rest.data].map(({ reference }) => reference).toSorted((a, b) => a < b ? -1 : 1), ['w-0', 'w-1', 'w-2', 'w-3', 'w-4'])
    assert.equal(rest.next_cursor, null)
    await refused(() => maker.get(`/v1/payouts?limit=3&cursor=${first.next_cursor ?? ''}`), 422, 'request/invalid')
  })

  test('takes parts for three days', async () => {
    const id = await open(2)
    await running.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payout_batches SET created_at = created_at - interval '72 hours' WHERE id = '${id}'`)
    await refused(() => maker.post(pathOf(id), partOf(id, 1, rowsOf(2))), 409, 'payout_batches/closed')
  })

  test('keeps what was signed to open it', async () => {
    const request = maker.request('/v1/payout_batches', { reference: newReference(), currency: 'EUR', count: 2, total: '2.00' })
    const { id } = batchIn(await maker.send(request))
    const [kept] = await running.database.asAdmin('SELECT o.sealed AS blob, k.sealed AS key FROM ngome.payout_batch_openings o JOIN ngome.data_keys k ON k.id = o.data_key WHERE o.batch = $1', [id]) as { blob: Uint8Array; key: Uint8Array }[]
    assert.ok(kept)
    const text = await openSealed(running, maker.merchant.tenant, 'payout_batch_openings', id, kept, (bytes) => Buffer.from(bytes).toString('utf8')) as string
    const [word = '', body] = text.split('\n')
    assert.deepEqual([body, (JSON.parse(word) as { key: string }).key], [request.body, maker.keyId])
  })

  test('keeps what was signed of a part once, and its rows say where in it they stand', async () => {
    const id = await open(2)
    const request = maker.request(pathOf(id), partOf(id, 1, [row(0), row(1, { description: 'Planted wages' })]))
    const part = payoutBatchPartSchema.parse(JSON.parse((await maker.send(request)).text))
    const [kept] = await running.database.asAdmin(`SELECT p.sealed AS blob, k.sealed AS key FROM ngome.payout_batch_parts p JOIN ngome.data_keys k ON k.id = p.data_key WHERE p.id = $1`,
      [part.id]) as { blob: Uint8Array; key: Uint8Array }[]
    assert.ok(kept)
    const text = await openSealed(running, maker.merchant.tenant, 'payout_batch_parts', part.id, kept, (bytes) => Buffer.from(bytes).toString('utf8')) as string
    const at = text.indexOf('\n')
    const word = JSON.parse(text.slice(0, at)) as { key: string; base: string }
    assert.deepEqual([text.slice(at + 1), word.key], [request.body, maker.keyId])
    assert.ok(word.base.includes(digestOf(request.body)) && word.base.includes(`"@path": ${pathOf(id)}\n`))
    const payouts = await running.database.asAdmin('SELECT payment FROM ngome.payout_batch_rows WHERE part = $1 ORDER BY reference', [part.id])
    for (const [index, { payment }] of payouts.entries()) {
      const sealed = sealedPaymentSchema.parse(await openMovement(running, maker.merchant.tenant, String(payment)))
      assert.deepEqual([sealed.ordered_in, sealed.authorization, sealed.payer?.phone], [{ part: part.id, row: index }, undefined, phone])
    }
  })

  test('takes a part that is repeated under its key once, with the same answer', async () => {
    const id = await open(2)
    const part = partOf(id, 1, rowsOf(2))
    const first = await maker.post(pathOf(id), part, `part-1-${id}`)
    const again = await Promise.all([maker.post(pathOf(id), part, `part-1-${id}`), maker.post(pathOf(id), part, `part-1-${id}`)])
    for (const answer of again) assert.deepEqual([answer.text, answer.headers['idempotent-replayed']], [first.text, 'true'])
    assert.equal((await read(id)).accepted.count, 2)
  })

  test('takes a part of five hundred rows', async () => {
    const id = await open(500)
    assert.equal((await maker.post(pathOf(id), partOf(id, 1, rowsOf(500)))).status, 201)
    assert.equal((await read(id)).status, 'complete')
  })
})

suite('nothing is written of a part', () => {
  let id: string
  before(async () => {
    id = await open(6)
    assert.equal((await maker.post(pathOf(id), partOf(id, 1, rowsOf(2)))).status, 201)
  })
  const rows = [row(2), row(3)]
  const wrong: readonly (readonly [string, () => unknown, number, string, (readonly (readonly [string, string?])[])?])[] = [
    ['with rows that are wrong, each of which is named', () => partOf(id, 2, [row(2, { amount: '0.00' }), row(3), row(4, { payee: { phone: '+254712345678' } }), row(5, { network: 'ugx' })]), 422, 'request/invalid',
      [['/payouts/0/amount', 'request/invalid'], ['/payouts/2/payee/phone', 'request/invalid'], ['/payouts/3/currency', 'request/invalid'], ['/payouts/3/payee/phone', 'request/invalid']]],
    ['with a row that no schema takes', () => partOf(id, 2, [row(2), row(3, { reference: 'a b' })]), 422, 'request/invalid', [['/payouts/1/reference']]],
    ['by a network that takes no payouts', () => partOf(id, 2, [row(2, { network: 'only-in' })]), 422, 'request/invalid', [['/payouts/0/network', 'request/invalid']]],
    ['that names no network at all', () => ({ ...partOf(id, 2, rows), network: undefined }), 422, 'request/invalid', [['/payouts/0/network', 'request/invalid'], ['/payouts/1/network', 'request/invalid']]],
    ['of another currency', () => ({ ...partOf(id, 2, rows), currency: 'UGX' }), 422, 'request/invalid', [['/currency']]],
    ['that says another batch\u2019s reference', () => ({ ...partOf(id, 2, rows), batch_reference: 'wages' }), 422, 'request/invalid', [['/batch_reference']]],
    ['without rows', () => partOf(id, 2, []), 422, 'request/invalid', [['/payouts']]],
    ['with too many rows', () => partOf(id, 2, rowsOf(501, 10)), 422, 'request/invalid', [['/payouts']]],
    ['that is larger than one signature is kept with', () => partOf(id, 2, rowsOf(400, 10).map((one) => ({ ...one, description: 'x'.repeat(150) }))), 413, 'request/too_large'],
    ['whose number was taken', () => partOf(id, 1, rows), 409, 'payout_batches/part_taken', [['/part']]],
    ['with references that are in the batch', () => partOf(id, 2, [row(2), row(1), row(0)]), 409, 'payout_batches/reference_taken',
      [['/payouts/1/reference', 'payout_batches/reference_taken'], ['/payouts/2/reference', 'payout_batches/reference_taken']]],
    ['with a reference twice', () => partOf(id, 2, [row(2), row(2)]), 422, 'request/invalid', [['/payouts/1/reference', 'payout_batches/reference_taken']]],
    ['with more rows than were declared', () => partOf(id, 2, rowsOf(5, 2).map((one) => ({ ...one, amount: '0.10' }))), 422, 'payout_batches/exceeds_declared', [['/payouts']]],
    ['with more than was declared', () => partOf(id, 2, [row(2, { amount: '4.01' })]), 422, 'payout_batches/exceeds_declared', [['/payouts']]],
    ['whose last row leaves less than was declared', () => partOf(id, 2, rowsOf(4, 2).map((one) => ({ ...one, amount: '0.99' }))), 422, 'payout_batches/exceeds_declared', [['/payouts']]],
  ]
  for (const [what, part, status, code, errors] of wrong) test(what, () => refused(() => maker.post(pathOf(id), part()), status, code, errors))

  test('that the balance covers only in part', async () => {
    const poor = await SigningMerchant.of(running, await running.addMerchant())
    await collectMoney(running, poor.merchant, { amount: '3.00' })
    const batch = await open(3, poor)
    await refused(() => poor.post(pathOf(batch), partOf(batch, 1, rowsOf(3))), 422, 'payments/insufficient_funds', [['/payouts']])
  })

  test('that passes what its key may ask for, by a row or in a day', async () => {
    const { caps } = defaultKeySettings('secret')
    const capped = await SigningMerchant.beside(running, maker, { caps: { ...caps, amountMax: new Map([['EUR', 150n]]), dayTotalMax: new Map([['EUR', 250n]]) } })
    await refused(() => capped.post(pathOf(id), partOf(id, 2, [row(2), row(3, { amount: '1.51' })])), 422, 'request/invalid', [['/payouts/1/amount', 'access/cap_exceeded']])
    await refused(() => capped.post(pathOf(id), partOf(id, 2, rowsOf(3, 2))), 403, 'access/cap_exceeded')
  })

  test('that nobody signed, that was signed for another batch, or comes twice', async () => {
    const { headers, ...request } = maker.request(pathOf(id), partOf(id, 2, rows))
    await refused(() => maker.merchant.client.call({ method: 'POST', path: pathOf(id), body: partOf(id, 2, rows), idempotencyKey: 'u' }), 401, 'access/signature_required')
    const other = await open(6)
    await refused(() => maker.send({ ...request, headers, target: pathOf(other) }), 401, 'access/signature_refused')
    await refused(() => maker.send({ ...request, headers, body: JSON.stringify(partOf(id, 2, [row(2), row(4)])) }), 401, 'access/signature_refused')
  })

  test('of a batch that is another\u2019s, or none', async () => {
    const stranger = await SigningMerchant.of(running, await running.addMerchant())
    await refused(() => stranger.post(pathOf(id), partOf(id, 2, rows)), 404, 'payout_batches/unknown')
    await refused(() => maker.post(pathOf(newId('payoutBatch', { clock: systemClock, random: systemRandom })), partOf(id, 2, rows)), 404, 'payout_batches/unknown')
    assert.equal((await stranger.get(`/v1/payout_batches/${id}`)).status, 404)
    assert.deepEqual((JSON.parse((await stranger.get(`/v1/payouts?batch=${id}`)).text) as { data: unknown[] }).data, [])
  })
})

suite('a batch is refused', () => {
  const declared = { reference: 'never-opened', currency: 'EUR', count: 2, total: '5.00' }
  test('of a reference that was opened before, whatever else it says, which names that one; and not where its key is repeated, or it is another\u2019s', async () => {
    const body = { ...declared, reference: 'twice' }
    const { id } = batchIn(await maker.post('/v1/payout_batches', body, 'twice-1'))
    assert.equal(batchIn(await maker.post('/v1/payout_batches', body, 'twice-1')).id, id)
    for (const change of [{}, { count: 3 }, { total: '6.00' }]) {
      const counts = await rowCounts()
      const problem = problemIn(await maker.post('/v1/payout_batches', { ...body, ...change }))
      assert.deepEqual([problem.status, problem.code, problem.errors], [409, 'payout_batches/already_opened', [{ pointer: '/reference', detail: `${id} has this reference.` }]])
      assert.deepEqual(await rowCounts(), counts)
    }
    await maker.post(`/v1/payout_batches/${id}/cancel`, undefined, null)
    await refused(() => maker.post('/v1/payout_batches', body), 409, 'payout_batches/already_opened')
    const stranger = await SigningMerchant.of(running, await running.addMerchant())
    assert.equal((await stranger.post('/v1/payout_batches', body)).status, 201)
    const answers = await Promise.all(Array.from({ length: 6 }, () => maker.post('/v1/payout_batches', { ...body, reference: 'at-once' })))
    assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [201, 409, 409, 409, 409, 409])
  })
  test('that is larger than is kept with its signature', () => refused(() => maker.send({
    ...maker.request('/v1/payout_batches', declared), body: `${JSON.stringify(declared)}${' '.repeat(1_024)}`,
  }), 413, 'request/too_large'))
  test('in its parts, where it was opened under a higher limit', async () => {
    const id = await open(2)
    await running.database.asAdmin(`INSERT INTO ngome.payout_batches (id, merchant, world, reference, currency, declared_count, declared_minor, api_key, created_at, updated_at)
      SELECT $2, merchant, world, reference, currency, 1000, 60001, api_key, created_at, updated_at FROM ngome.payout_batches WHERE id = $1`, [id, overLimit])
    references.set(overLimit, references.get(id) ?? '')
    await refused(() => maker.post(pathOf(overLimit), partOf(overLimit, 1, rowsOf(1))), 422, 'payout_batches/needs_approval')
  })
  for (const [what, body, pointer] of [
    ['of nothing', { ...declared, total: '0.00' }, '/total'], ['of three digits', { ...declared, total: '5.001' }, '/total'], ['of a currency that nobody pays', { ...declared, currency: 'USD' }, '/currency'],
    ['of no rows', { ...declared, count: 0 }, '/count'], ['of more than a million', { ...declared, count: 1_000_001 }, '/count'], ['of half a row', { ...declared, count: 1.5 }, '/count'],
  ] as const) test(what, () => refused(() => maker.post('/v1/payout_batches', body), 422, 'request/invalid', [[pointer]]))
})

suite('a part that is repeated under its key gets its first answer, and has no second effect,', () => {
  // As time passes, and as the operator lowers a limit: the batch looks so to the gateway afterwards.
  const changes: readonly (readonly [what: string, change: string, status: number, code: string])[] = [
    ['after the operator lowered the limit of one person below its batch', 'declared_minor = 60001, declared_count = 1000', 422, 'payout_batches/needs_approval'],
    ['after the time of its batch was over', `created_at = created_at - interval '73 hours'`, 409, 'payout_batches/closed'],
    ['after its batch was cancelled', 'cancelled_at = updated_at', 409, 'payout_batches/closed'],
  ]
  for (const [what, change, status, code] of changes) {
    test(what, async () => {
      const id = await open(4)
      const ask = (part: number, key: string) => maker.post(pathOf(id), partOf(id, part, rowsOf(2, part * 10)), `part-${part}-of-${key}-${id}`)
      const first = await ask(1, 'first')
      assert.equal(first.status, 201, first.text)
      await running.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payout_batches SET ${change} WHERE id = '${id}'; SET session_replication_role = origin`)
      const { signed_request_nonces: _ofRepetition, ...before } = (await rowCounts()) as Record<string, unknown>
      const again = await ask(1, 'first')
      assert.deepEqual([again.status, again.text, again.headers['idempotent-replayed']], [201, first.text, 'true'])
      const { signed_request_nonces: _spent, ...after } = (await rowCounts()) as Record<string, unknown>
      assert.deepEqual(after, before, 'the repetition wrote something')
      await refused(() => ask(2, 'first'), status, code)
    })
  }
})

suite('cancelling a batch', () => {
  test('ends what was not sent, gives it back, tells of each, takes no part after, and says the same again', async () => {
    const id = await open(4)
    await maker.post(pathOf(id), partOf(id, 1, rowsOf(3)))
    const balance = async () => ((JSON.parse((await maker.get('/v1/balances')).text) as { data: { available: string }[] }).data[0]?.available ?? '')
    const before = Number(await balance())
    const [sent] = await running.database.asAdmin(`UPDATE ngome.payments SET status = 'processing' WHERE id = (SELECT min(payment) FROM ngome.payout_batch_rows WHERE batch = $1) RETURNING id`, [id])
    const cancelled = batchIn(await maker.post(`/v1/payout_batches/${id}/cancel`, undefined, null))
    assert.deepEqual([cancelled.status, cancelled.by_status.map(({ status, count }) => [status, count])], ['cancelled', [['cancelled', 2], ['processing', 1]]])
    assert.equal((Number(await balance()) - before).toFixed(2), '2.20')
    const told = await running.database.asAdmin(`SELECT type, count(*)::int AS count, bool_and(proof IS NOT NULL) AS proven FROM ngome.object_events
      WHERE object IN (SELECT payment FROM ngome.payout_batch_rows WHERE batch = $1) AND object <> $2 GROUP BY type ORDER BY type`, [id, String(sent?.['id'])])
    assert.deepEqual(told, [{ type: 'payout.accepted', count: 2, proven: true }, { type: 'payout.cancelled', count: 2, proven: true }])
    await refused(() => maker.post(pathOf(id), partOf(id, 2, [row(9)])), 409, 'payout_batches/closed')
    assert.deepEqual(batchIn(await maker.post(`/v1/payout_batches/${id}/cancel`, undefined, null)), cancelled)
    const [{ events } = {}] = await running.database.asAdmin(`SELECT count(*)::int AS events FROM ngome.events WHERE type = 'payout_batch.cancelled' AND data->>'batch' = $1`, [id])
    assert.equal(events, 1)
  })

  test('is its merchant\u2019s alone, signed', async () => {
    const id = await open(1)
    const stranger = await SigningMerchant.of(running, await running.addMerchant())
    assert.equal(problemIn(await stranger.post(`/v1/payout_batches/${id}/cancel`, undefined, null)).code, 'payout_batches/unknown')
    assert.equal((await read(id)).status, 'open')
    await refused(() => maker.merchant.client.call({ method: 'POST', path: `/v1/payout_batches/${id}/cancel` }), 401, 'access/signature_required')
  })
})

test('numbers and descriptions of rows lie in no row and no log line', async () => {
  const [hit] = await running.database.asAdmin(`SELECT (SELECT count(*)::int FROM ngome.payments p WHERE p::text LIKE '%${phone.slice(1)}%' OR p::text LIKE '%Planted wages%') AS rows,
    (SELECT count(*)::int FROM ngome.payout_batch_parts p WHERE p::text LIKE '%${phone.slice(1)}%') AS parts`)
  assert.deepEqual(hit, { rows: 0, parts: 0 })
  assert.doesNotMatch(running.logLines.join(''), new RegExp(phone.slice(1)))
})

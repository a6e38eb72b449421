import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { paymentSchema, sealedPaymentSchema } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { openMovement } from '../testing/open-sealed.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const phone = '+46733198765'
const order = {
  amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone }, reference: 'order-42', description: 'Two planted chapati',
}
let serial = 0
const create = (body: unknown = order, idempotencyKey = `p-${++serial}`, as = merchant): Promise<Answer> =>
  as.client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey })
type Payment = { id: PaymentId; payer: { phone: string | null } }
const paymentOf = (answer: Answer): Payment => {
  assert.equal(answer.status, 201, answer.text)
  return paymentSchema.parse(JSON.parse(answer.text))
}

test('a payment is accepted, masked, and read back as it was answered', async () => {
  const created = await create()
  const payment = paymentOf(created)
  assert.equal(payment.payer.phone, '+46•••765')
  assert.equal(created.headers['location'], `/v1/payments/${payment.id}`)
  const read = await merchant.client.call({ path: `/v1/payments/${payment.id}` })
  assert.deepEqual([read.status, read.text], [200, created.text])
})

test('what is sealed opens to what was ordered, and to nothing in another context', async () => {
  const { id } = paymentOf(await create())
  assert.deepEqual(sealedPaymentSchema.parse(await openMovement(running, merchant.tenant, id)), {
    payer: { phone }, amount_minor: '500', currency: 'EUR', direction: 'collection', network: 'mtn-sandbox',
    payee: merchant.tenant.merchant, description: 'Two planted chapati', reference: 'order-42', fee_minor: '0',
  })
  await assert.rejects(openMovement(running, merchant.tenant, id, `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`))
})

test('records of one period are sealed under one data key', async () => {
  await Promise.all(Array.from({ length: 20 }, () => create()))
  const rows = await running.database.asAdmin('SELECT DISTINCT data_key FROM ngome.payments WHERE merchant = $1', [merchant.tenant.merchant])
  assert.equal(rows.length, 1)
})

test('a repeated request gets the same bytes, and acts once', async () => {
  const first = await create(order, 'again')
  const second = await create(order, 'again')
  assert.deepEqual([second.status, second.text], [201, first.text])
  assert.equal(second.headers['idempotent-replayed'], 'true')
  assert.equal(first.headers['idempotent-replayed'], undefined)
})

test('the same key with another body is refused, also where only a space differs', async () => {
  await create(order, 'reused')
  for (const body of [{ ...order, amount: '6.00' }, { ...order, reference: 'order-43' }]) {
    const answer = await create(body, 'reused')
    assert.deepEqual([answer.status, problemIn(answer).code], [422, 'idempotency/key_reused'], answer.text)
  }
})

test('a repeated request whose original does not end is told so, and gets its answer once the original has ended', async () => {
  const bytes = Buffer.from(JSON.stringify(order))
  const { keyHash, fingerprint } = idempotencyMarks(running.custody.secret('idempotency'), merchant.tenant,
    { key: 'unfinished', method: 'POST', path: '/v1/payments', bytes })
  const original = await running.database.open('ngome_gateway', { poolMax: 1 }).pool.connect()
  const { merchant: id, world } = merchant.tenant
  await original.query('BEGIN')
  await original.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`, [id, world])
  await original.query(`INSERT INTO ngome.idempotency (merchant, world, key_hash, fingerprint, status, body, created_at)
    VALUES ($1, $2, $3, $4, 201, 'the original', now())`, [id, world, keyHash, fingerprint])
  const waited = await create(order, 'unfinished')
  assert.deepEqual([waited.status, problemIn(waited).code], [409, 'idempotency/in_flight'])
  await original.query('COMMIT')
  original.release()
  const replayed = await create(order, 'unfinished')
  assert.deepEqual([replayed.status, replayed.text], [201, 'the original'])
})

test('a key is its merchant\u2019s own', async () => {
  const other = await running.addMerchant()
  const [mine, theirs] = [paymentOf(await create(order, 'shared')), paymentOf(await create(order, 'shared', other))]
  assert.notEqual(mine.id, theirs.id)
})

test('a request that was refused did not use up its key', async () => {
  assert.equal((await create({ ...order, amount: 'x' }, 'later')).status, 422)
  assert.equal((await create(order, 'later')).status, 201)
})

test('a payment without a key is refused', async () => {
  const answer = await merchant.client.call({ method: 'POST', path: '/v1/payments', body: order })
  assert.deepEqual([answer.status, problemIn(answer).code], [400, 'idempotency/key_required'])
})

test('the same key a hundred times in parallel: one payment, one answer', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => create(order, 'parallel')))
  assert.deepEqual(new Set(answers.map((one) => one.status)), new Set([201]))
  assert.equal(new Set(answers.map((one) => one.text)).size, 1)
  const { id } = paymentOf(answers[0] as Answer)
  for (const [table, column] of [['payments', 'id'], ['transfers', 'payment']]) {
    const [row] = await running.database.asAdmin(`SELECT count(*)::int AS n FROM ngome.${table} WHERE ${column} = $1`, [id])
    assert.equal(row?.['n'], 1)
  }
  const [jobs] = await running.database.asAdmin(`SELECT count(*)::int AS n FROM pgboss.job WHERE data->>'payment' = $1`, [id])
  assert.equal(jobs?.['n'], 1)
})

test('pages go through all payments once, newest first, and end', async () => {
  const own = await running.addMerchant()
  const made: string[] = []
  for (let count = 0; count < 7; count++) made.unshift(paymentOf(await create(order, undefined, own)).id)
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Answer = await own.client.call({ path: `/v1/payments?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}` })
    assert.equal(page.status, 200, page.text)
    const { data, next_cursor: next } = JSON.parse(page.text) as { data: Payment[]; next_cursor: string | null }
    seen.push(...data.map((one) => one.id))
    cursor = next
  }
  assert.deepEqual(seen, made)
  const accepted = JSON.parse((await own.client.call({ path: '/v1/payments?status=accepted' })).text) as { data: Payment[] }
  const failed = JSON.parse((await own.client.call({ path: '/v1/payments?status=failed' })).text) as { data: Payment[] }
  assert.deepEqual([accepted.data.length, failed.data.length], [7, 0])
})

test('a cursor is good for its merchant and its filter only, and not when one bit differs', async () => {
  const own = await running.addMerchant()
  for (let count = 0; count < 2; count++) await create(order, undefined, own)
  const { next_cursor: cursor } = JSON.parse((await own.client.call({ path: '/v1/payments?limit=1' })).text) as { next_cursor: string }
  assert.equal((await own.client.call({ path: `/v1/payments?cursor=${cursor}` })).status, 200)
  const flipped = `${cursor.slice(0, 8)}${cursor[8] === 'A' ? 'B' : 'A'}${cursor.slice(9)}`
  for (const path of [`/v1/payments?cursor=${flipped}`, `/v1/payments?cursor=${cursor}&status=accepted`, `/v1/payments?cursor=${cursor}A`]) {
    assert.equal((await own.client.call({ path })).status, 422, path)
  }
  assert.equal((await merchant.client.call({ path: `/v1/payments?cursor=${cursor}` })).status, 422)
})

test('a phone number that was planted lies in no row and no log line', async () => {
  const tables = await running.database.asAdmin(
    `SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema IN ('ngome', 'pgboss') AND table_type = 'BASE TABLE'`,
  )
  assert.ok(tables.length > 15, 'this test sees the tables')
  const digits = phone.slice(1)
  for (const { name } of tables as { name: string }[]) {
    const [hit] = await running.database.asAdmin(
      `SELECT count(*)::int AS n FROM ${name} AS r WHERE r::text LIKE '%' || $1 || '%' OR r::text LIKE '%' || $2 || '%'
       OR r::text LIKE '%' || $3 || '%'`,
      [digits, Buffer.from(digits).toString('hex'), 'planted chapati'],
    )
    assert.equal(hit?.['n'], 0, name)
  }
  const log = running.logLines.join('')
  assert.doesNotMatch(log, new RegExp(digits))
  assert.doesNotMatch(log, /planted chapati|ngome_sk_|whsec_/)
  const [seeded] = await running.database.asAdmin(`SELECT count(*)::int AS n FROM ngome.payments AS r WHERE r::text LIKE '%•••765%'`)
  assert.ok(Number(seeded?.['n']) > 0, 'this test would see it')
})

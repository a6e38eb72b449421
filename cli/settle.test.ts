import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock, systemRandom, type SettlementId } from '@ngome/kernel'
import { eventSubject, type ObjectEvent } from '@ngome/payments'
import { isWordOf } from '@ngome/runtime'
import { closeLedgerDays, listObjectEvents, type EventWord } from '@ngome/store'
import { ageLedger, Purse } from '@ngome/testkit'
import { Misuse, type Command } from './command.ts'
import { settleFailed } from './settle-failed.ts'
import { settleList } from './settle-list.ts'
import { settlePaid } from './settle-paid.ts'
import { settleRun } from './settle-run.ts'
import { operatorAt, type OperatorAt } from './testing/operator-at.ts'

let operator: OperatorAt
let purse: Purse
before(async () => {
  operator = await operatorAt({}, { hasCustodian: true })
  const { database } = operator
  await ageLedger(database, 3)
  const db = database.open('ngome_dispatcher', { poolMax: 1 })
  purse = await Purse.open(database, database.open('ngome_gateway', { poolMax: 1 }), db)
  await purse.move(12_345n)
  await purse.move(700n, { currency: 'UGX' })
  await purse.move(900n, { currency: 'RWF' })
  await closeLedgerDays({ db, clock: systemClock, random: systemRandom }, 'UTC')
})
after(() => operator.close())

const run: OperatorAt['run'] = (...typed) => operator.run(...typed)

test('the operator settles a day, sees what waits for the bank, and says what it did, each once', async () => {
  const { merchant } = purse.merchant.tenant
  assert.match((await run(settleList))[1], /no settlement is created/)
  const [code, said] = await run(settleRun, { merchant }, { currency: 'EUR' })
  assert.equal(code, 0)
  assert.match(said, new RegExp(`stl_\\w+ {2}${merchant} {2}[0-9-]{10} {2}123\\.45 EUR`))
  const settlement = /stl_\w+/.exec(said)?.[0] ?? ''
  assert.deepEqual(await run(settleRun, { merchant }, { currency: 'EUR' }), [1, `${merchant}  settled_before`])
  assert.match((await run(settleRun, {}, { currency: 'EUR' }))[1], /nobody has anything to settle/)
  assert.match((await run(settleList))[1], new RegExp(settlement))
  assert.deepEqual(await run(settlePaid, { settlement }, { reference: 'FT-1' }), [0, `${settlement} is paid`])
  assert.deepEqual(await run(settlePaid, { settlement }, { reference: 'FT-2' }), [0, `ngome: ${settlement} is paid already`])
  assert.equal((await run(settleFailed, { settlement }, { reason: 'closed' }))[0], 1)
  assert.match((await run(settleList, { merchant }, { state: 'paid' }))[1], /123\.45 EUR {2}FT-1/)
  assert.deepEqual(await run(settlePaid, { settlement: 'stl_01jd0000000000000000000000' }, { reference: 'x' }),
    [1, 'ngome: no settlement is stl_01jd0000000000000000000000'])
})

test('all who have something are settled together, and one that the bank did not pay is said so', async () => {
  assert.match((await run(settleRun, {}, { currency: 'UGX', minimum: '701' }))[1], /nothing/)
  const [, json] = await run(settleRun, {}, { currency: 'UGX' }, true)
  const [made] = JSON.parse(json) as { settlement: string; amount: string }[]
  assert.equal(made?.amount, '700')
  assert.deepEqual(await run(settleFailed, { settlement: made?.settlement ?? '' }, { reason: 'account closed' }), [0, `${made?.settlement} is failed`])
})

/** What the dispatcher would see of a settlement: its events, each with the operator's word where that is good. */
async function heard(settlement: SettlementId): Promise<readonly (readonly [string, boolean])[]> {
  const { database, authority = '' } = operator
  const rows = await listObjectEvents(database.open('ngome_gateway', { poolMax: 1 }), purse.merchant.tenant, { after: null, limit: 100, type: null, object: settlement })
  const isGood = async (event: ObjectEvent): Promise<boolean> => {
    const [word] = await database.asAdmin('SELECT certificate, signature FROM ngome.event_words WHERE event = $1', [event.id])
    return word !== undefined && isWordOf('operator', word as EventWord, eventSubject(event), { authority, atMs: event.atMs })
  }
  return Promise.all(rows.map(async ({ event }) => [event.type, await isGood(event)] as const))
}

test('each change carries the operator\u2019s word, and none is made of which the database tells otherwise', async () => {
  const [one] = await operator.database.asAdmin('SELECT id FROM ngome.settlements WHERE currency = \'EUR\'')
  assert.deepEqual(await heard(one?.['id'] as SettlementId), [['settlement.created', true], ['settlement.paid', true]])
  const { database } = operator
  const [{ definition } = { definition: '' }] = await database.asAdmin('SELECT pg_get_functiondef(\'ngome.tell_settlement\'::regproc) AS definition')
  const lies = [['another reference', `'FT-666'`, 'NEW.bank_reference'], ['another state', `'failed'`, 'NEW.state,']] as const
  const [, said] = await run(settleRun, {}, { currency: 'RWF' })
  const settlement = /stl_\w+/.exec(said)?.[0] ?? ''
  for (const [what, lie, truth] of lies) {
    await database.asAdmin(String(definition).replace(truth, truth.endsWith(',') ? `${lie},` : lie))
    await assert.rejects(run(settlePaid, { settlement }, { reference: 'FT-9' }), /tells of another change/, what)
    assert.deepEqual(await database.asAdmin('SELECT state FROM ngome.settlements WHERE id = $1', [settlement]), [{ state: 'created' }], what)
  }
  await database.asAdmin(String(definition))
})

const misuses: readonly (readonly [what: string, command: Command, operands: Readonly<Record<string, string>>, options: Readonly<Record<string, string>>])[] = [
  ['no currency', settleRun, {}, {}],
  ['a currency that is none', settleRun, {}, { currency: 'EURO' }],
  ['another world', settleRun, {}, { currency: 'EUR', world: 'staging' }],
  ['an amount with digits that its currency has not', settleRun, {}, { currency: 'UGX', minimum: '1.5' }],
  ['a merchant that is none', settleRun, { merchant: 'x' }, { currency: 'EUR' }],
  ['a state that is none', settleList, {}, { state: 'gone' }],
  ['no id', settlePaid, { settlement: 'x' }, { reference: 'x' }],
  ['no reference', settlePaid, { settlement: 'stl_01jd0000000000000000000000' }, {}],
  ['a reference of two lines', settlePaid, { settlement: 'stl_01jd0000000000000000000000' }, { reference: 'a\nb' }],
  ['a reason that is a page', settleFailed, { settlement: 'stl_01jd0000000000000000000000' }, { reason: 'x'.repeat(201) }],
]
for (const [what, command, operands, options] of misuses) {
  test(`refuses ${what}`, () => assert.rejects(run(command, operands, options), Misuse))
}

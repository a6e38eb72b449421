import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { auditLeaf, emit, type Event } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { addTestMerchant, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { appendEvent } from './append-event.ts'
import { currentEventCursor, listEvents } from './list-events.ts'

const from = { clock: systemClock, random: systemRandom, process: 'gateway' } as const

let database: TestDatabase
let gateway: Database
let operator: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  operator = database.open('ngome_operator')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

const accepted = (): Event => emit(from, 'payment.accepted', merchant.tenant,
  { payment: newId('payment', from), status: 'accepted' })

describe('events', () => {
  test('come back as they went in, with the leaf of exactly that', async () => {
    const cursor = await currentEventCursor(operator)
    const event = accepted()
    await inTenant(gateway, merchant.tenant, (tx) => appendEvent(tx, event))
    const page = await listEvents(operator, { after: cursor, limit: 10 })
    assert.deepEqual(page.events, [event])
    const [row] = await database.asAdmin('SELECT leaf FROM ngome.audit_leaves WHERE event = $1', [event.id])
    assert.deepEqual(row?.['leaf'], auditLeaf(page.events[0] as Event))
    assert.deepEqual((await listEvents(operator, { after: page.cursor, limit: 10 })).events, [])
  })

  test('of a transaction that commits late are not missed by a reader who was faster', async () => {
    let { cursor } = await listEvents(operator, { after: await currentEventCursor(operator), limit: 10 })
    const [early, late] = [accepted(), accepted()]
    const seen: string[] = []
    const read = async (): Promise<void> => {
      const page = await listEvents(operator, { after: cursor, limit: 10 })
      seen.push(...page.events.map(({ id }) => id))
      cursor = page.cursor
    }
    await inTenant(gateway, merchant.tenant, async (tx) => {
      await appendEvent(tx, late)
      await inTenant(gateway, merchant.tenant, (other) => appendEvent(other, early))
      await read()
      // The later transaction is over, the earlier is not: neither is shown yet.
      assert.deepEqual(seen, [])
    })
    await read()
    assert.deepEqual(seen, [late.id, early.id])
  })

  test('are all read once by one who follows while many write', async () => {
    let cursor = await currentEventCursor(operator)
    const events = Array.from({ length: 120 }, accepted)
    const seen: string[] = []
    let isWriting = true
    const write = (event: Event) => inTenant(gateway, merchant.tenant, (tx) => appendEvent(tx, event))
    const writing = Promise.all(events.map(write))
      .finally(() => {
        isWriting = false
      })
    for (let isLast = false; !isLast;) {
      isLast = !isWriting
      const page = await listEvents(operator, { after: cursor, limit: 1_000 })
      seen.push(...page.events.map(({ id }) => id))
      cursor = page.cursor
    }
    await writing
    assert.deepEqual(seen.toSorted(), events.map(({ id }) => id).toSorted())
  })

  test('are read from the first on by one who has no cursor', async () => {
    const page = await listEvents(operator, { after: null, limit: 1 })
    assert.equal(page.events[0]?.type, 'merchant.created')
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { listPage } from './list-page.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const rows = Array.from({ length: 5 }, () => ({ id: newId('payment', from) }))
const told: string[] = []
const ports = { cursorSecret: new Secret(systemRandom.bytes(32)), onFormless: (_: Tenant, kind: string, id: string) => void told.push(`${kind} ${id}`) }

/** Two rows a page, of which those in the middle have no form. */
const read = async (cursor: string | undefined, view = viewOf([1, 2, 3])) => {
  const answer = await listPage({ kind: 'payment', ports, tenant, filter: '', cursor, limit: 2 },
    async (after, limit) => rows.slice(rows.findIndex(({ id }) => id === after) + 1).slice(0, limit), view)
  return JSON.parse(String(answer.body)) as { data: { at: number }[]; next_cursor: string | null }
}
const viewOf = (formless: readonly number[]) => (row: { readonly id: string }) => {
  const at = rows.findIndex(({ id }) => id === row.id)
  if (formless.includes(at)) new Date(Number.NaN).toISOString()
  return { at }
}

test('a row of no form is left out and told; the rest of its page is shown, and the cursor goes past it, also where all of a page have none', async () => {
  const first = await read(undefined)
  const second = await read(first.next_cursor ?? assert.fail())
  const third = await read(second.next_cursor ?? assert.fail())
  assert.deepEqual([first, second, third].map(({ data }) => data.map(({ at }) => at)), [[0], [], [4]])
  assert.equal(third.next_cursor, null)
  assert.deepEqual(told, [1, 2, 3].map((at) => `payment ${rows[at]?.id}`))
})

test('what is no fault of a row ends the page', async () => {
  await assert.rejects(read(undefined, () => { throw new Fault('store/unavailable', 'away') }), { code: 'store/unavailable' })
})

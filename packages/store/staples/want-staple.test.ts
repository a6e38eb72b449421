import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import { testDatabase } from '@ngome/testkit'
import { wantStaple } from './want-staple.ts'

test('gateways that want staples at once take turns, and none waits for another in a circle', async () => {
  const database = await testDatabase()
  const gateway = database.open('ngome_gateway', { poolMax: 12 })
  const chain = '-----BEGIN CERTIFICATE-----'.padEnd(200)
  const leaves = Array.from({ length: 6 }, () => systemRandom.bytes(32))
  for (let round = 0; round < 5; round++) {
    const outcomes = await Promise.all([...leaves, ...leaves].map((leaf) => wantStaple(gateway, leaf, chain)))
    assert.ok(outcomes.every((isWanted) => isWanted))
    await database.asAdmin('DELETE FROM ngome.ocsp_staples')
  }
  await database.close()
})

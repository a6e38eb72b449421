import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { ManualClock, newId, systemRandom } from '@ngome/kernel'
import { issueApiKey, revokeApiKey } from '@ngome/store'
import { addTestMerchant, testDatabase } from '@ngome/testkit'
import { remindOfKeys, remindOfShortKeys } from './remind-of-keys.ts'

const dayMs = 86_400_000
const policy = { ageMs: 90 * dayMs, unusedMs: 30 * dayMs }

test('people are reminded once of a key that is old and of one that nobody uses, and not after it is gone', async (t) => {
  const database = await testDatabase()
  t.after(() => database.close())
  const clock = new ManualClock(Date.now())
  const from = { clock, random: systemRandom }
  const [{ tenant }, operator, db] = [await addTestMerchant(database), database.open('ngome_operator'), database.open('ngome_dispatcher')]
  const issue = async (ageDays: number, rotateAfterS: number | null = null) => {
    const id = newId('apiKey', from)
    await issueApiKey(operator, {
      id, tenant, verifier: systemRandom.bytes(32), proof: systemRandom.bytes(65), pepperVersion: 1, settings: { ...defaultKeySettings(), rotateAfterS }, hint: '',
      createdAtMs: clock.nowMs() - ageDays * dayMs,
    }, emit({ ...from, process: 'operator' }, 'api_key.issued', tenant, { key: id }))
    return id
  }
  const [old, gone] = [await issue(89), await issue(91)]
  await revokeApiKey(operator, tenant, gone, clock.nowMs(), emit({ ...from, process: 'operator' }, 'api_key.revoked', tenant, { key: gone }))
  const remind = (signal = new AbortController().signal) => remindOfKeys({ db, clock, random: systemRandom }, policy, signal)
  const told = () => database.asAdmin(
    `SELECT type, data->>'key' AS key FROM ngome.events WHERE merchant = $1 AND type IN ('api_key.rotation_due', 'api_key.unused') ORDER BY type`,
    [tenant.merchant],
  )
  await remind(AbortSignal.abort())
  assert.deepEqual(await told(), [], 'one that ends tells nobody')
  await remind()
  assert.deepEqual(await told(), [{ type: 'api_key.unused', key: old }])
  clock.advance(2 * dayMs)
  for (let times = 0; times < 2; times++) await remind()
  assert.deepEqual(await told(), [{ type: 'api_key.rotation_due', key: old }, { type: 'api_key.unused', key: old }])
  const [short, forgotten] = [await issue(1, 86_405), await issue(2, 3_600)]
  await remindOfShortKeys({ db, clock, random: systemRandom }, new AbortController().signal)
  const of = async (key: string) => (await told()).filter((one) => one['key'] === key).map(({ type }) => type)
  assert.deepEqual([await of(short), await of(forgotten)], [[], []], 'the one has five seconds left, the other was over long ago')
  clock.advance(5_000)
  for (let times = 0; times < 2; times++) await remindOfShortKeys({ db, clock, random: systemRandom }, new AbortController().signal)
  assert.deepEqual([await of(short), await of(forgotten)], [['api_key.rotation_due', 'api_key.unused'], []])
  await remind()
  assert.deepEqual([await of(short), await of(forgotten)], [['api_key.rotation_due', 'api_key.unused'], ['api_key.rotation_due', 'api_key.unused']])
})

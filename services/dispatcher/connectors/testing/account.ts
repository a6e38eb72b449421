import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, systemClock } from '@ngome/kernel'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, impatientMs, type Trials } from './trial.ts'

const wrongAnswers = ['', 'null', '[]', '{"availableBalance":{}}', '{"availableBalance":"1e9","currency":"EUR"}', '{"result":"yes"}']

/** What the operator asks of the network about its account and about numbers, where the connector can. */
export function testAccount(trials: Trials, under: NetworkUnderTest): void {
  test('the balance is an amount in the network\'s currency, and wrong answers are none', async (context) => {
    const { connector, interposer } = bound(trials)
    if (connector.balance === undefined) {
      context.diagnostic('this connector has no balance')
      return
    }
    const balance = await connector.balance()
    assert.equal(balance?.currency, under.currencies[0])
    assert(balance.amountMinor >= 0n)
    for (const body of wrongAnswers) {
      interposer.script('other', { kind: 'answer', status: 200, body })
      assert.equal(await connector.balance(), undefined)
    }
    interposer.script('other', { kind: 'answer', status: 500 })
    assert.equal(await connector.balance(), undefined)
  })
  test('a number\'s standing is the network\'s word, and anything else is unknown', async (context) => {
    const { connector, impatient, interposer } = bound(trials)
    await impatient.prepare('collection')
    const { holders } = under
    if (connector.holderOf === undefined || holders === undefined) {
      context.diagnostic('this connector does not ask about numbers')
      return
    }
    assert.equal(await connector.holderOf(new Secret(holders.active)), 'active')
    assert.equal(await connector.holderOf(new Secret(holders.other)), 'inactive')
    for (const body of wrongAnswers) {
      interposer.script('other', { kind: 'answer', status: 200, body })
      assert.equal(await connector.holderOf(new Secret(holders.active)), 'unknown')
    }
    interposer.script('other', { kind: 'hang' })
    assert.equal(await impatient.holderOf?.(new Secret(holders.active)), 'unknown')
  })
  test('credentials are good by a new token alone, and are refused by the network\'s word alone', async (context) => {
    const { connector, connect, interposer } = bound(trials)
    const impatient = await connect({ requestTimeoutMs: impatientMs })
    if (connector.check === undefined) {
      context.diagnostic('this connector cannot be asked apart from payments')
      return
    }
    await connector.prepare('collection')
    const good = await connector.check()
    assert(good.length > 0 && good.every(({ outcome, status }) => outcome === 'good' && status === 200))
    for (const { theirTimeMs } of good) assert(theirTimeMs === null || Math.abs(theirTimeMs - systemClock.nowMs()) < 10_000)
    for (const [manner, outcome] of [
      [{ kind: 'answer', status: 401 }, 'refused'], [{ kind: 'answer', status: 500 }, 'failing'], [{ kind: 'answer', status: 200, body: '{}' }, 'failing'],
      [{ kind: 'cut' }, 'away'], [{ kind: 'hang' }, 'away'],
    ] as const) {
      interposer.reset()
      interposer.script('token', manner, 20)
      const checks = await impatient.check?.()
      assert.deepEqual(new Set(checks?.map((check) => check.outcome)), new Set([outcome]), JSON.stringify(manner))
    }
    interposer.reset()
  })
}

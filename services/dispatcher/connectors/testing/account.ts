import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@ngome/kernel'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, type Trials } from './trial.ts'

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
}

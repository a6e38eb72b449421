import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { testAccount } from './account.ts'
import { testAmounts } from './amounts.ts'
import { testDocumentedNumbers } from './documented-numbers.ts'
import { testEnds } from './ends.ts'
import { testFirstByte } from './first-byte.ts'
import { testGarbage } from './garbage.ts'
import { testHints } from './hints.ts'
import { testLostAnswers } from './lost-answers.ts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { testRates } from './rates.ts'
import { testReachability } from './reachability.ts'
import { testTokens } from './tokens.ts'
import { planted, Trial, type Trials } from './trial.ts'
import { testTruth } from './truth.ts'

/**
 * Declares what every connector must pass, for each direction that it has: money moves once for one reference whatever
 * is lost on the way, nothing is believed that the network did not say, and nothing that it says breaks anything.
 * docs/connectors.md says how to use it.
 */
export function declareConformance(under: NetworkUnderTest): void {
  describe(`${under.name} conforms`, () => {
    let trial: Trial | undefined
    const trials: Trials = () => {
      assert(trial !== undefined)
      return trial
    }
    before(async () => { trial = await Trial.start(under) })
    afterEach(() => { trials().interposer.reset() })
    after(async () => { await trial?.stop() })

    test('it has the directions that it is said to have', () => {
      assert.deepEqual([...trials().connector.directions].toSorted(byText), [...under.directions].toSorted(byText))
    })
    testDocumentedNumbers(under)
    for (const direction of under.directions) {
      describe(direction, () => {
        testEnds(trials, under, direction)
        testLostAnswers(trials, direction)
        testFirstByte(trials, direction)
        testReachability(trials, direction)
        testTokens(trials, under, direction)
        testAmounts(trials, under, direction)
        testTruth(trials, under, direction)
        testGarbage(trials, direction)
      })
    }
    testRates(trials)
    testHints(trials, under)
    testAccount(trials, under)
    // The last: it looks at all that the tests above made the connector say.
    test('nothing that it said holds a phone number, a description or a callback\'s address', () => {
      const { said } = trials()
      assert(said.length > 0)
      for (const { text, phone } of said) {
        const digits = phone.replace('+', '')
        assert(Object.values(planted).every((word) => !text.includes(word)), text)
        // Without the country code too, as some networks write it.
        if (digits !== '') assert(!text.includes(digits.slice(-8)), text)
      }
    })
  })
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

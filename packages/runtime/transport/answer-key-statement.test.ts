import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { suite, test } from 'node:test'
import { answerKeyAttacks, answerKeyId, stateAnswerKeyRaw } from '@ngome/testkit'
import { provenAnswerKey, readAnswerKey, signAnswerKey } from './answer-key-statement.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const nowMs = 1_800_000_000_000
const key = answerKeyId(generateKeyPairSync('ed25519').privateKey)
const usual = { key, fromMs: nowMs - 60_000, untilMs: nowMs + 7_200_000, signer: privateKey }

suite('the statement of an answer key', () => {
  test('is what an independent writer makes, and is read as it was', () => {
    const says = { key, issued_at: new Date(usual.fromMs).toISOString(), expires_at: new Date(usual.untilMs).toISOString() }
    const statement = signAnswerKey(says, privateKey)
    assert.equal(statement, stateAnswerKeyRaw(usual))
    assert.deepEqual(readAnswerKey(statement, publicKey), says)
  })
  test('counts from before its first moment, for clocks that are behind, up to its end', () => {
    const statement = stateAnswerKeyRaw(usual)
    for (const atMs of [usual.fromMs - 300_000, nowMs, usual.untilMs - 1]) assert.equal(provenAnswerKey(statement, publicKey, atMs), key)
    for (const atMs of [usual.fromMs - 300_001, usual.untilMs]) assert.equal(provenAnswerKey(statement, publicKey, atMs), undefined)
  })
  for (const [what, attack] of Object.entries(answerKeyAttacks)) {
    test(`is refused: ${what}`, () => assert.equal(provenAnswerKey(attack(usual, nowMs), publicKey, nowMs), undefined))
  }
})

import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import type { PinSet } from '@ngome/contracts'
import fc from 'fast-check'
import { readPinSet, signPinSet } from './pin-statement.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const pin = { not_before: '2026-01-01T00:00:00.000Z', not_after: '2027-01-01T00:00:00.000Z' }
const set: PinSet = {
  version: 1, names: ['api.example'], issued_at: pin.not_before, expires_at: pin.not_after,
  pins: [{ ...pin, role: 'current', spki_sha256: `${'A'.repeat(43)}=` }, { ...pin, role: 'backup', spki_sha256: `${'B'.repeat(42)}A=` }],
}
const statement = signPinSet(set, privateKey)
const part = (text: string): string => Buffer.from(text).toString('base64url')
const signed = (head: string, body: string, key = privateKey): string => {
  const input = `${part(head)}.${part(body)}`
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}
const [head = '', body = '', signature = ''] = statement.split('.')
const ourHead = '{"alg":"EdDSA","typ":"ngome-pins+jws"}'

test('what the custodian signed is read as it was', () => {
  assert.deepEqual(readPinSet(statement, publicKey), set)
})

/** Each row is one way to have another set believed. */
const attacks: readonly (readonly [string, string])[] = [
  ['no signature', `${head}.${body}.`],
  ['algorithm none', `${part('{"alg":"none"}')}.${body}.`],
  ['another algorithm, signed all the same', signed('{"alg":"HS256","typ":"ngome-pins+jws"}', JSON.stringify(set))],
  ['another kind of statement', signed('{"alg":"EdDSA","typ":"JWT"}', JSON.stringify(set))],
  ['another spelling of the head', signed('{"typ":"ngome-pins+jws","alg":"EdDSA"}', JSON.stringify(set))],
  ['another key', signed(ourHead, JSON.stringify(set), generateKeyPairSync('ed25519').privateKey)],
  ['another set under this signature', `${head}.${part(JSON.stringify({ ...set, version: 2 }))}.${signature}`],
  ['a fourth part', `${statement}.${signature}`],
  ['two parts', `${head}.${body}`],
  ['padding', `${statement}=`],
  ['a set without a field', signed(ourHead, JSON.stringify({ ...set, pins: undefined }))],
  ['a set with a field more', signed(ourHead, JSON.stringify({ ...set, also: 1 }))],
  ['a member twice', signed(ourHead, JSON.stringify(set).replace('"version":1', '"version":1,"version":2'))],
  ['no JSON', signed(ourHead, 'pins')],
  ['nothing', ''],
  ['more than a set can be', 'a'.repeat(16_385)],
]
describe('refuses', () => {
  for (const [claim, text] of attacks) {
    test(claim, () => { assert.equal(readPinSet(text, publicKey), undefined) })
  }
  test('whatever one character makes of it', () => {
    fc.assert(fc.property(fc.nat(statement.length - 1), fc.constantFrom('A', 'a', '0', '_', '-', '.', '='), (at, character) => {
      const changed = statement.slice(0, at) + character + statement.slice(at + 1)
      assert.deepEqual(readPinSet(changed, publicKey), changed === statement ? set : undefined)
    }))
  })
})

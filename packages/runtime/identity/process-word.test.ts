import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { processRoles, systemClock } from '@ngome/kernel'
import { TestAuthority, type IssueOptions } from '@ngome/testkit'
import { giveWord, isWordOf, type ProcessWord } from './process-word.ts'

const authority = await TestAuthority.create()
const [next, foreign] = [await TestAuthority.create('Next'), await TestAuthority.create()]
const subject = Buffer.from('a settlement was paid')
const atMs = systemClock.nowMs()
const now = { authority: authority.pem, atMs }

async function said(by = authority, role: (typeof processRoles)[number] = 'operator', options: IssueOptions = {}): Promise<ProcessWord> {
  const { key, cert } = await by.issueWithKey(role, options)
  return giveWord({ secureContext: () => ({ key, cert, ca: by.pem, minVersion: 'TLSv1.3' }) }, subject)
}

describe('the word of a process', () => {
  test('is good for whoever trusts its authority, also while another takes over', async () => {
    const word = await said()
    assert.ok(isWordOf('operator', word, subject, now))
    assert.ok(isWordOf('operator', word, subject, { ...now, authority: `${next.pem}\n${authority.pem}` }))
  })

  const minute = 60_000
  const forgeries: readonly (readonly [string, () => Promise<boolean>])[] = [
    ['over something else', async () => isWordOf('operator', await said(), Buffer.from('a settlement was paie'), now)],
    ['with another signature', async () => isWordOf('operator', { ...await said(), signature: (await said()).signature }, subject, now)],
    ['with a signature cut short', async () => {
      const word = await said()
      return isWordOf('operator', { ...word, signature: word.signature.slice(1) }, subject, now)
    }],
    ['with no certificate', async () => isWordOf('operator', { ...await said(), certificate: 'x' }, subject, now)],
    ['by an authority of the same name', async () => isWordOf('operator', await said(foreign), subject, now)],
    ['by an authority that is trusted no more', async () => isWordOf('operator', await said(), subject, { ...now, authority: next.pem })],
    ['where no authority is trusted', async () => isWordOf('operator', await said(), subject, { ...now, authority: '' })],
    ['after its certificate ended', async () => isWordOf('operator', await said(authority, 'operator', { notBefore: new Date(atMs - 2 * minute), notAfter: new Date(atMs - minute) }), subject, now)],
    ['before its certificate began', async () => isWordOf('operator', await said(authority, 'operator', { notBefore: new Date(atMs + minute) }), subject, now)],
    ['under two names', async () => isWordOf('operator', await said(authority, 'operator', { uris: ['spiffe://ngome.internal/operator', 'spiffe://ngome.internal/gateway'] }), subject, now)],
    ...processRoles.filter((role) => role !== 'operator').map((role) => [`of the ${role}`, async () => isWordOf('operator', await said(authority, role), subject, now)] as const),
  ]
  for (const [what, forge] of forgeries) test(`is not good ${what}`, async () => assert.equal(await forge(), false))
})

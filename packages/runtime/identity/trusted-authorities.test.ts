import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { createLogger } from '../logs/create-logger.ts'
import { authorityMark, parseAuthorities } from './authority-bundle.ts'
import { newCertificateRequest } from './certificate-request.ts'
import { createIdentity, type Identity } from './identity.ts'
import { TrustedAuthorities } from './trusted-authorities.ts'

const [one, two, three] = await Promise.all([TestAuthority.create('one'), TestAuthority.create('two'), TestAuthority.create('three')])
const leaf = await one.issue((await newCertificateRequest('gateway')).csr, 'gateway')
const bundle = (...authorities: readonly TestAuthority[]): string => authorities.map(({ pem }) => `${pem.trim()}\n`).join('')
const refused = { code: 'custodian/enrolment_refused' }

describe('a bundle of authorities', () => {
  test('is one or two, in their order', () => {
    assert.equal(parseAuthorities(one.pem)?.length, 1)
    assert.deepEqual(parseAuthorities(bundle(two, one))?.map((read) => read.subject), ['CN=two', 'CN=one'])
  })
  for (const [what, text] of [
    ['nothing', ''], ['no certificate', 'x'], ['three', bundle(one, two, three)], ['one twice', bundle(one, one)],
    ['one that may not issue', leaf], ['one that may not issue, behind one that may', `${bundle(one)}${leaf}`],
    ['more than certificates', `${bundle(one)}root:$6$\n`], ['half a certificate', bundle(one).slice(0, -40)],
    ['bytes that are no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.equal(parseAuthorities(text), undefined)
      assert.throws(() => new TrustedAuthorities(text), refused)
    })
  }
  test('has a mark of its own for each set and order, and for nothing else', () => {
    const marks = [bundle(one), bundle(two), bundle(one, two), bundle(two, one)].map(authorityMark)
    assert.equal(new Set(marks).size, 4)
    assert.equal(authorityMark(`${one.pem}`), authorityMark(bundle(one)))
  })
})

describe('what is trusted', () => {
  test('goes from one to the next step by step', () => {
    const trusted = new TrustedAuthorities(bundle(one))
    for (const next of [bundle(one, two), bundle(two, one), bundle(two), bundle(two)]) {
      trusted.check(next).take()
      assert.equal(trusted.pem, next)
    }
    assert.equal(trusted.present.length, 1)
  })
  const attacks: readonly (readonly [string, readonly string[], string])[] = [
    ['an authority that nobody trusted before', [], bundle(three)],
    ['two of them', [], bundle(two, three)],
    ['one that was dropped, instead of the present one', [bundle(one, two), bundle(two)], bundle(one)],
    ['one that was dropped, beside the present one', [bundle(one, two), bundle(two)], bundle(two, one)],
    ['one that was dropped, two replacements later', [bundle(one, two), bundle(two), bundle(two, three), bundle(three)], bundle(three, one)],
    ['no bundle', [], 'x'],
  ]
  for (const [what, steps, last] of attacks) {
    test(`is not replaced by ${what}`, () => {
      const trusted = new TrustedAuthorities(bundle(one))
      for (const step of steps) trusted.check(step).take()
      const before = trusted.pem
      assert.throws(() => trusted.check(last), refused)
      assert.equal(trusted.pem, before)
    })
  }
})

describe('an identity', () => {
  const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
  const zeros = { bytes: (length: number) => new Uint8Array(length) }
  async function identityOf(t: { after(fn: () => void): void }, answers: readonly { readonly by: TestAuthority; readonly bundle: string }[]) {
    const first = await newCertificateRequest('gateway')
    const state = { asked: 0 }
    const identity = createIdentity({
      role: 'gateway', signerId: null, statementKey: one.statementKeys.publicKey, authority: bundle(one), logger, clock: systemClock, random: zeros,
      first: { ...first, certificate: await one.issue(first.csr, 'gateway') },
      renew: async (csr) => {
        const answer = answers[state.asked++] ?? assert.fail('asked once more')
        return { certificate: await answer.by.issue(csr, 'gateway'), authority: answer.bundle }
      },
    })
    t.after(() => identity.stop())
    identity.startRenewal()
    const renewed = () => new Promise<void>((resolve) => { const stop = identity.onRenewal(() => (stop(), resolve())) })
    return { identity, state, renewed }
  }
  const hear = (identity: Identity, text: string): void => identity.hearAuthorities(authorityMark(text))

  test('that hears of other authorities renews at once, once for each certificate, and trusts what the answer says', async (t) => {
    const { identity, state, renewed } = await identityOf(t, [{ by: one, bundle: bundle(one, two) }, { by: two, bundle: bundle(two, one) }])
    hear(identity, bundle(one))
    await sleep(30)
    assert.equal(state.asked, 0)
    for (const next of [bundle(one, two), bundle(two, one)]) {
      const done = renewed()
      for (let times = 0; times < 3; times++) hear(identity, next)
      await done
      assert.equal(identity.authority, next)
      assert.equal(identity.secureContext().ca, next)
    }
    assert.equal(state.asked, 2)
  })
  for (const [what, answer] of [
    ['authorities that are none of ours', { by: three, bundle: bundle(three) }],
    ['a certificate of an authority that is not among those that it brings', { by: three, bundle: bundle(one, two) }],
    ['a certificate of the next one without that one', { by: two, bundle: bundle(one) }],
  ] as const) {
    test(`is not led to ${what}`, async (t) => {
      const { identity, state } = await identityOf(t, [answer])
      hear(identity, bundle(one, two))
      while (state.asked === 0) await sleep(5)
      await sleep(50)
      assert.equal(identity.authority, bundle(one))
      assert.equal(identity.secureContext().ca, bundle(one))
    })
  }
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { systemClock, systemRandom, type Clock, type ProcessRole } from '@ngome/kernel'
import { startTestCustodian, TestAuthority } from '@ngome/testkit'
import { custodianClient } from '../custodian/custodian-client.ts'
import { createLogger } from '../logs/create-logger.ts'
import { newCertificateRequest } from './certificate-request.ts'
import { createIdentity, type Identity } from './identity.ts'

const authority = await TestAuthority.create()
const logged: string[] = []
const logger = createLogger({ process: 'test', level: 'info', destination: { write: (line) => void logged.push(line) } })

/** A certificate of so many whole seconds: X.509 knows no smaller ones. */
const endIn = (seconds: number) => new Date((Math.floor(Date.now() / 1000) + seconds) * 1000)

async function shortIdentity(
  seconds: number, renew: (csr: string) => Promise<string>, { onExpired, clock = systemClock }: { readonly onExpired?: () => void; readonly clock?: Clock } = {},
): Promise<Identity> {
  const role: ProcessRole = 'gateway'
  const first = await newCertificateRequest(role)
  return createIdentity({
    role, signerId: null, statementKey: authority.statementKeys.publicKey, authority: authority.pem, logger,
    first: { ...first, certificate: await authority.issue(first.csr, role, { notAfter: endIn(seconds) }) },
    renew: async (csr) => ({ certificate: await renew(csr), authority: authority.pem }), clock, random: systemRandom, ...(onExpired === undefined ? {} : { onExpired }),
  })
}

const keyOf = (identity: Identity) => new X509Certificate(identity.secureContext().cert).publicKey.export({ format: 'jwk' }).x

/** A clock and its timers, which pass only when they are told to. */
function movedTime(t: TestContext): { readonly clock: Clock; pass(ms: number): void } {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = Date.now()
  return { clock: { nowMs: () => nowMs }, pass: (ms) => {
    nowMs += ms
    t.mock.timers.tick(ms)
  } }
}

describe('an identity', () => {
  test('renews at two thirds of its life, with a new key, and tells who listens', async (t) => {
    const time = movedTime(t)
    let asked = 0
    const identity = await shortIdentity(300, (csr) => {
      asked++
      return authority.issue(csr, 'gateway', { notAfter: endIn(600) })
    }, time)
    const before = { endsAtMs: identity.notAfterMs(), key: keyOf(identity), lifeMs: identity.notAfterMs() - time.clock.nowMs() }
    const heard = new Promise<void>((resolve) => void identity.onRenewal(resolve))
    const silenced = identity.onRenewal(() => assert.fail('nobody listens here any more'))
    silenced()
    identity.startRenewal()
    identity.startRenewal()
    time.pass(before.lifeMs * 0.66)
    await immediate()
    assert.equal(asked, 0)
    time.pass(before.lifeMs * 0.01)
    await heard
    assert.equal(asked, 1)
    assert.ok(identity.notAfterMs() > before.endsAtMs)
    assert.notEqual(keyOf(identity), before.key)
    identity.stop()
  })

  test('keeps its certificate and tries again while the custodian is away', async () => {
    let tries = 0
    const identity = await shortIdentity(3, async (csr) => {
      if (++tries < 3) throw new Error('away')
      return authority.issue(csr, 'gateway', { notAfter: endIn(60) })
    })
    const heard = new Promise<void>((resolve) => void identity.onRenewal(resolve))
    identity.startRenewal()
    await heard
    assert.equal(tries, 3)
    assert.equal(identity.isExpired(), false)
    identity.stop()
  })

  test('takes no certificate of another role or key, and ends rather than going on', async () => {
    const wrongs = [
      async (csr: string) => authority.issue(csr, 'custodian'),
      async () => authority.issue((await newCertificateRequest('gateway')).csr, 'gateway'),
      async (csr: string) => (await TestAuthority.create()).issue(csr, 'gateway'),
    ]
    await Promise.all(wrongs.map(async (renew) => {
      let expired = 0
      const identity = await shortIdentity(3, renew, { onExpired: () => void expired++ })
      const key = keyOf(identity)
      identity.startRenewal()
      while (!identity.isExpired()) {
        assert.equal(keyOf(identity), key)
        await sleep(50)
      }
      while (expired === 0) await sleep(20)
      await sleep(100)
      assert.equal(expired, 1)
      assert.throws(() => identity.secureContext(), { code: 'identity/expired' })
    }))
    assert.ok(logged.some((line) => line.includes('"fatal"') && line.includes('enrol anew')))
  })

  test('that is stopped renews no more, even if it was about to', async () => {
    let began: () => void = () => undefined
    const isAsking = new Promise<void>((resolve) => { began = resolve })
    const identity = await shortIdentity(3, async () => {
      began()
      await sleep(50)
      throw new Error('away')
    }, { onExpired: () => assert.fail('nobody has to enrol anew') })
    identity.startRenewal()
    await isAsking
    identity.stop()
    await sleep(300)
    const later = await shortIdentity(3, () => assert.fail('a stopped identity asks nobody'))
    later.stop()
    later.startRenewal()
  })
})

test('calls go on through renewals at both ends, and none fails', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
  const serials = new Set<string>()
  const custodian = await startTestCustodian({
    dataDir, certificateLifeMs: 3000,
    answers: {
      '/v1/secrets': async (_body, call) => {
        serials.add(call.serial)
        await sleep(5)
        return { secrets: [] }
      },
    },
  })
  const identity = await custodian.enrol('gateway')
  identity.startRenewal()
  let renewals = 0
  identity.onRenewal(() => void renewals++)
  const client = custodianClient(identity, custodian.config)
  const first = { custodian: custodian.identity.notAfterMs(), gateway: identity.notAfterMs() }
  const untilMs = Date.now() + 8000
  let calls = 0
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (Date.now() < untilMs) {
      await client.call('/v1/secrets', { names: [] })
      calls++
      await sleep(10)
    }
  }))
  assert.ok(renewals >= 2, `${renewals} renewals`)
  assert.ok(serials.size >= 3, `${serials.size} certificates seen`)
  assert.ok(custodian.identity.notAfterMs() >= first.custodian + 3000)
  assert.ok(calls > 100, `${calls} calls`)
  client.close()
  identity.stop()
  await custodian.close()
  rmSync(dataDir, { recursive: true })
})

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Fault, ManualClock, systemRandom } from '@ngome/kernel'
import { createLogger, untilItStands, type CustodianClient } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { fetchSecrets } from './custodian-secrets.ts'
import { renewPublicCertificate, requestPublicCertificate } from './public-certificate.ts'
import { refreshStatements } from './refresh-statements.ts'

const logger = createLogger({ process: 'gateway', level: 'fatal', destination: { write: () => undefined } })
const away = (): never => {
  throw new Fault('custodian/unavailable', 'away')
}
const hourMs = 3_600_000

/** Lets promises and timers go on, one after the other. */
async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms)
  for (let turns = 0; turns < 20; turns++) await Promise.resolve()
}

test('statements are fetched well before they run out, and soon again where that failed', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  let fetches = 0
  let isAway = false
  const stop = refreshStatements({
    logger, random: { bytes: (length) => new Uint8Array(length).fill(128) }, periodMs: hourMs,
    statements: { fetchAll: async () => {
      fetches++
      if (isAway) away()
    } },
  })
  await pass(hourMs / 4)
  assert.equal(fetches, 1)
  isAway = true
  await pass(hourMs / 4)
  assert.equal(fetches, 2)
  await pass(30_000)
  assert.equal(fetches, 3, 'tried again')
  isAway = false
  await pass(30_000)
  await pass(30_000)
  assert.equal(fetches, 4, 'and at ease once it worked')
  stop()
  await pass(10 * hourMs)
  assert.equal(fetches, 4)
  mock.timers.reset()
})

test('the public certificate is renewed at two thirds of its life, tried again where that failed, with a key of its own each time', async () => {
  const authority = await TestAuthority.create()
  const clock = new ManualClock(Date.now())
  let calls = 0
  const custodian = {
    call: async (_path: string, { csr }: { csr: string }) => {
      calls++
      if (calls === 2) away()
      return { certificate: await authority.issue(csr, 'gateway'), authority: authority.pem }
    },
  } as unknown as CustodianClient
  const first = await requestPublicCertificate(custodian)
  const renewed: { key: string; cert: string }[] = []
  const listeners = new Set<() => void>()
  const identity = { onRenewal: (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener)) }
  mock.timers.enable({ apis: ['setTimeout'] })
  const stop = renewPublicCertificate({ first, custodian, clock, logger, identity, onRenewed: (one) => renewed.push(one) })
  mock.timers.tick(hourMs * 0.6)
  await until(() => true)
  assert.equal(calls, 1, 'not before')
  mock.timers.tick(hourMs * 0.1)
  await until(() => calls === 2)
  mock.timers.tick(30_000)
  await until(() => renewed.length === 1)
  assert.notEqual(renewed[0]?.key, first.key)
  for (const listener of listeners) listener()
  mock.timers.tick(1)
  await until(() => renewed.length === 2)
  stop()
  assert.equal(listeners.size, 0)
  mock.timers.tick(hourMs)
  await until(() => true)
  assert.equal(calls, 4, 'once more with the process\u2019s own')
  mock.timers.reset()
})

/** Real work, such as making a key, needs real turns of the event loop, and time of its own. */
async function until(isSo: () => boolean): Promise<void> {
  const startedAtMs = performance.now()
  for (let turns = 0; turns < 50 || !isSo(); turns++) {
    if (performance.now() - startedAtMs > 20_000) throw new Error('it did not come to pass')
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}

test('waits for what is away, and for nothing else', async () => {
  let tries = 0
  assert.equal(await untilItStands('it', logger, async () => (++tries < 3 ? away() : 'up')), 'up')
  assert.equal(tries, 3)
  await assert.rejects(untilItStands('it', logger, async () => {
    throw new Fault('custodian/refused', 'no')
  }), (error) => error instanceof Fault && error.code === 'custodian/refused')
})

test('secrets that are missing or of another size do not start a gateway', async () => {
  const answering = (secrets: readonly unknown[]): CustodianClient => ({ call: async () => ({ secrets }) }) as unknown as CustodianClient
  const value = Buffer.from(systemRandom.bytes(32)).toString('base64url')
  const all = ['api-pepper', 'idempotency', 'callback'].map((name) => ({ name, version: 1, value }))
  const found = await fetchSecrets(answering([...all, { name: 'api-pepper', version: 2, value }]))
  assert.deepEqual([...found.peppers.keys()], [1, 2])
  const isAway = (error: unknown): boolean => error instanceof Fault && error.code === 'custodian/unavailable'
  await assert.rejects(fetchSecrets(answering(all.slice(1))), isAway)
  await assert.rejects(fetchSecrets(answering([...all.slice(1), { name: 'api-pepper', version: 1, value: 'AAAA' }])), isAway)
})

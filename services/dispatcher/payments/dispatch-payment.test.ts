import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { postgresPayments } from '@ngome/store'
import { SealingMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import { opener } from '../custodian/open-sealed.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { dispatchPayment } from './dispatch-payment.ts'
import { processTime } from '../testing/process-time.ts'

let database: TestDatabase
let merchant: SealingMerchant

before(async () => {
  database = await testDatabase()
  merchant = await SealingMerchant.create(database)
})
after(() => database.close())

test('a payment of a network that is not configured any more fails its job before anything is opened or sent, and waits', async () => {
  let opened = 0
  const call = async (): Promise<never> => {
    opened++
    throw new Fault('custodian/unavailable', 'away')
  }
  const egress = createEgressGuard({ providers: {}, allowPrivate: [], resolve: async () => [] })
  const db = database.open('ngome_dispatcher')
  const dispatcher: Dispatcher = {
    clock: systemClock, random: systemRandom, db, payments: postgresPayments(db), ...processTime(), sleep, egress, networks: new Map(),
    openSealed: opener({ call }, generateKeyPairSync('ed25519').publicKey, systemRandom),
    computeFingerprint: async () => { throw new Error('no test here asks for an index') },
    statementKey: generateKeyPairSync('ed25519').publicKey,
    merchantKeyState: async () => 'stands', approvals: { over: new Map(), expiresAfterMs: 3_600_000 },
    isOperatorsWord: () => false,
    callbacks: { baseUrl: 'https://localhost', secret: new Secret(systemRandom.bytes(32)) },
    webhooks: { attemptsMax: 1, firstRetryMs: 1, retryMaxMs: 1, retryForMs: 60_000, timeoutMs: 1, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
    logger: createLogger({ process: 'dispatcher', level: 'fatal' }),
  }
  const payment = await merchant.accept({ phone: '+46733123499' })
  await assert.rejects(dispatchPayment(dispatcher, { ...merchant.tenant, payment }, new AbortController().signal),
    (error) => error instanceof Fault && error.code === 'provider/unavailable')
  assert.equal(opened, 0)
  const [row] = await database.asAdmin('SELECT status FROM ngome.payments WHERE id = $1', [payment])
  assert.equal(row?.['status'], 'accepted')
  assert.deepEqual(await database.asAdmin('SELECT 1 FROM ngome.attempts WHERE payment = $1', [payment]), [])
  egress.close()
})

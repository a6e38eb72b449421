import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret, systemClock } from '@ngome/kernel'
import { CardAcquirerSimulator, type AcquirerAccount } from '@ngome/testkit'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import type { PaymentNetwork } from '../payment-network.ts'
import { connectCardAcquirer } from './connect-card-acquirer.ts'

const network = 'card'
let simulator: CardAcquirerSimulator
let own: AcquirerAccount
let other: AcquirerAccount
let egress: EgressGuard
before(async () => {
  simulator = await CardAcquirerSimulator.start()
  own = await simulator.provision()
  other = await simulator.provision()
  egress = createEgressGuard({
    providers: { [network]: { baseUrl: simulator.url } }, allowPrivate: [new URL(simulator.url).host], resolve: async () => { throw new Error('nothing has a name here') },
  })
})
after(async () => {
  egress.close()
  await simulator.stop()
})

function connectorOf({ account, secret }: AcquirerAccount): PaymentNetwork {
  const settings = { network, challengeOrigins: [simulator.url], requestTimeoutMs: 5_000, enquiriesPerSecondMax: 10 }
  return connectCardAcquirer(settings, { account: new Secret(account), secret: new Secret(secret) }, { egress, clock: systemClock })
}

const asked: readonly (readonly [what: string, credentials: () => AcquirerAccount, outcome: string, status: number])[] = [
  ['account and secret that belong together', () => own, 'good', 200],
  ['another account\'s secret', () => ({ ...own, secret: other.secret }), 'refused', 401],
  ['a secret that is nobody\'s', () => ({ ...own, secret: 'x'.repeat(64) }), 'refused', 401],
  ['an account that there is not', () => ({ ...own, account: 'acc-0000000000000000' }), 'refused', 401],
]
for (const [what, credentials, outcome, status] of asked) {
  test(`who asks with ${what} hears ${outcome}, and nothing is in the books`, async () => {
    const [check, ...others] = await connectorOf(credentials()).check?.() ?? []
    assert.deepEqual([check?.product, check?.outcome, check?.status, others], ['account', outcome, status, []])
    assert.deepEqual(await simulator.orders(), [])
  })
}

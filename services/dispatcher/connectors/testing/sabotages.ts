import type { PaymentNetwork } from '../payment-network.ts'
import type { Connecting } from './network-under-test.ts'

/** A way in which a connector may be wrong, and the tests of the suite that must notice it. */
export type Sabotage = {
  readonly name: string
  readonly noticedBy: RegExp
  readonly break: (honest: PaymentNetwork) => Partial<PaymentNetwork>
  readonly connecting?: Partial<Connecting>
}

export const sabotages: readonly Sabotage[] = [
  {
    name: 'it takes the token that it has for good credentials',
    noticedBy: /^credentials are good by a new token alone/,
    break: (honest) => ({
      check: async () => [{ product: 'all', outcome: await honest.prepare('collection') === 'ready' ? 'good' : 'away', status: 200, theirTimeMs: null }],
    }),
  },
  {
    name: 'it takes an error for a yes',
    noticedBy: /^a network that answers 500: unknown/,
    break: (honest) => ({
      async request(request) {
        const outcome = await honest.request(request)
        return outcome.kind === 'unknown' ? { kind: 'taken' } : outcome
      },
    }),
  },
  {
    name: 'it takes a lost answer for nothing sent',
    noticedBy: /^a network that takes it and cuts the connection: unknown/,
    break: (honest) => ({
      async request(request) {
        const outcome = await honest.request(request)
        return outcome.kind === 'unknown' ? { kind: 'not_sent', reason: 'guessed' } : outcome
      },
    }),
  },
  {
    name: 'it tries again by itself',
    noticedBy: /^a network that takes it and answers 500: unknown/,
    break: (honest) => ({
      async request(request) {
        const outcome = await honest.request(request)
        return outcome.kind === 'unknown' ? honest.request(request) : outcome
      },
    }),
  },
  {
    name: 'it makes a reference of its own',
    noticedBy: /^the same reference again is taken, and moves money once/,
    break: (honest) => ({ request: (request) => honest.request({ ...request, reference: crypto.randomUUID() }) }),
  },
  {
    name: 'it asks when it has sent',
    noticedBy: /^a no holds everything back/,
    break: (honest) => ({
      async request(request) {
        const outcome = await honest.request({ ...request, beforeFirstByte: async () => true })
        return await request.beforeFirstByte() ? outcome : { kind: 'not_sent', reason: 'held back' }
      },
    }),
  },
  {
    name: 'it rounds',
    noticedBy: /are that, to and from the right number/,
    break: (honest) => ({
      request: (request) => honest.request({ ...request, money: { ...request.money, amountMinor: (request.money.amountMinor / 10n + 1n) * 10n } }),
    }),
  },
  {
    name: 'it believes an answer about anything',
    noticedBy: /^the network's true answer about another payment is not believed/,
    break: (honest) => ({
      async enquire(asked) {
        const outcome = await honest.enquire(asked)
        return outcome.kind === 'differs' ? { kind: 'succeeded', networkReference: null } : outcome
      },
    }),
  },
  {
    name: 'it throws at what it cannot read',
    noticedBy: /^a list is no answer/,
    break: (honest) => ({
      async enquire(asked) {
        const outcome = await honest.enquire(asked)
        if (outcome.kind === 'unknown') throw new TypeError('unreadable')
        return outcome
      },
    }),
  },
  {
    name: 'it says whose number it is',
    noticedBy: /^nothing that it said holds a phone number/,
    break: (honest) => ({
      async request(request) {
        const outcome = await honest.request(request)
        return outcome.kind === 'unknown' ? { ...outcome, reason: request.phone?.expose((phone) => `lost for ${phone}`) ?? 'lost' } : outcome
      },
    }),
  },
  {
    name: 'it is always ready',
    noticedBy: /^no token \(it answers 500\)/,
    break: () => ({ prepare: async () => 'ready' }),
  },
  {
    name: 'it asks as fast as it can',
    noticedBy: /^enquiries are spread under the cap/,
    break: () => ({}),
    connecting: { enquiriesPerSecondMax: 1_000 },
  },
  {
    name: 'it believes what calls back',
    noticedBy: /^any bytes are read without a throw, and claim nothing/,
    break: () => ({ readCallback: () => 'succeeded' }),
  },
]

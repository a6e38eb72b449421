import type { Clock, PaymentId, Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { signRequest } from '@ngome/signatures'
import { digits, type ProbeNetwork } from '../at-rest/plant-payment.ts'
import type { Probe } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'
import { newMerchantPair, strangersPair } from '../wire/merchant-pair.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'
import type { SigningOwner } from '../wire/signed-call.ts'
import type { MerchantSignerAdder } from './merchants-roll-their-own-keys.ts'

/** A network of the test world that pays out; `undefined` where the operator has none. */
export type PayoutsOfProbes = { readonly payoutNetwork: () => ProbeNetwork | undefined }

type Target = MerchantSignerAdder & PayoutsOfProbes & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
  /** Takes a payment of 1 and waits for its end. */
  readonly pay: (merchant: ProbeMerchant) => Promise<{ readonly id: PaymentId }>
}
/** What is ordered: where, and what. */
type Order = { readonly path: string; readonly body: object }

/** What `requestBytes` sends. */
const host = 'localhost'
/** More than the probes' payments of 1 ever come to. */
const tooMuch = '1000000'
/** As of the payments that are planted: any such number is one of the sandbox's. */
const phoneDigitsMax = 14

export const moneyGoesOutOnItsMerchantsWord: Probe<Target> = {
  id: 'money-goes-out-on-its-merchants-word',
  source: import.meta.filename,
  does: 'Orders payouts and refunds as a merchant of the probes: unsigned, signed by another key, and with the signature of another order, which must get 401; signed, of more than the merchant has or the payment was, which must get 422. Then it looks that no payout and no refund of these orders is there.',
  timeMsMax: 60_000,
  run: async (target) => {
    const network = target.payoutNetwork()
    if (network === undefined) return partial('no network of the test world pays out: none was ordered')
    const pair = newMerchantPair()
    const owner = { ...await target.addMerchantSigner(pair.publicKey), pair }
    const reference = `probe-${Buffer.from(target.random.bytes(12)).toString('hex')}`
    const payee = { phone: `+${network.phonePrefix}${digits(target.random, phoneDigitsMax - network.phonePrefix.length)}` }
    const payout = (amount: string): Order => ({ path: '/v1/payouts', body: { amount, currency: network.currency, network: network.name, payee, reference } })
    const { id } = await target.pay(owner)
    const refund = (amount: string): Order => ({ path: `/v1/payments/${id}/refunds`, body: { amount, reference } })
    const found = await refuses(target, owner, 'payout', payout, 'payments/insufficient_funds')
      ?? await refuses(target, owner, 'refund', refund, 'payments/refund_exceeds')
    if (found !== undefined) return found
    for (const path of ['/v1/payouts', '/v1/refunds']) {
      const { status, text } = await ask(target.gateway, target.authority, { method: 'GET', path: `${path}?reference=${reference}`, apiKey: owner.apiKey })
      if (status !== 200) return fails(`GET ${path} was answered ${status}`)
      if (listedIn(text) !== 0) return fails(`an order that was refused is listed by ${path}`)
    }
    return holds('payouts and refunds that were unsigned, signed by another key or with another order\'s signature got 401; those of more than there was got 422; none of them is there')
  },
}

/** @returns what was not refused as it must be */
async function refuses(
  target: Target, owner: SigningOwner, what: string, order: (amount: string) => Order, tooMuchCode: string,
): Promise<Verdict | undefined> {
  const signed = (given: Order, signer = owner.pair) => headersOf(target, { ...owner, pair: signer }, given)
  const send = ({ path, body }: Order, headers: Readonly<Record<string, string>>): Promise<ApiAnswer> =>
    ask(target.gateway, target.authority, { method: 'POST', path, apiKey: owner.apiKey, body, headers })
  const [one, other] = [order('1'), order('0.50')]
  const refused: readonly (readonly [string, ApiAnswer])[] = [
    [`an unsigned ${what}`, await send(one, { 'idempotency-key': keyOf(target) })],
    [`a ${what} that another key signed`, await send(one, signed(one, strangersPair()))],
    [`a ${what} with the signature of another`, await send(one, signed(other))],
  ]
  const taken = refused.find(([, { status }]) => status !== 401)
  if (taken !== undefined) return fails(`${taken[0]} was answered ${taken[1].status}`)
  const all = order(tooMuch)
  const { status, text } = await send(all, signed(all))
  if (status === 422 && text.includes(`"${tooMuchCode}"`)) return undefined
  return fails(`a ${what} of more than there is was answered ${status} ${/"code":"([a-z_/]+)"/.exec(text)?.[1] ?? ''}`)
}

function headersOf(target: Target, { keyId, pair }: SigningOwner, { path, body }: Order): Readonly<Record<string, string>> {
  const idempotencyKey = keyOf(target)
  const signature = signRequest(
    { method: 'POST', host, target: path, body: Buffer.from(JSON.stringify(body)), idempotencyKey }, { ...target, keyId, privateKey: pair.privateKey },
  )
  return { ...signature, 'idempotency-key': idempotencyKey }
}

function keyOf({ random }: Pick<Target, 'random'>): string {
  return `probe-${Buffer.from(random.bytes(16)).toString('hex')}`
}

/** How many a page lists; none that can be read is one too many. */
function listedIn(text: string): number {
  try {
    const { data } = JSON.parse(text) as { readonly data?: unknown }
    return Array.isArray(data) ? data.length : Infinity
  } catch {
    return Infinity
  }
}

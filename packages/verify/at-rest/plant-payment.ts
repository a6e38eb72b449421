import { setTimeout as sleep } from 'node:timers/promises'
import { paymentSchema, type PaymentView } from '@ngome/contracts'
import type { PaymentId, Random, Secret, Tenant, VaultTokenId } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { NotReached } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { ask } from '../wire/request.ts'

/** Where a probe's payments go: a network of the test world. `phonePrefix`: what a number has to begin with so that the network takes any, calling code first. */
export type ProbeNetwork = { readonly name: string; readonly currency: string; readonly phonePrefix: string }

/** A payment whose payer and note exist nowhere else in the world. */
export type PlantedPayment = {
  readonly id: PaymentId
  readonly tenant: Tenant
  readonly phoneDigits: string
  readonly note: string
}

/** A card number in the vault that exists nowhere else; every process that handles it has handled it. */
export type PlantedCard = {
  readonly id: VaultTokenId
  readonly digits: string
  /** The network of cards that was asked for a payment by it, where there is one. */
  readonly askedOf: string | null
}

/** One planted payment for each of the probes' merchants, which all probes look at, and one card. */
export type Planted = { readonly planted: (which: 'first' | 'second') => Promise<PlantedPayment> }
export type PlantedVault = { readonly plantedCard: () => Promise<PlantedCard> }

export type PlantingTarget = {
  readonly gateway: Endpoint
  readonly authority: string
  readonly network: ProbeNetwork
  readonly random: Random
  readonly settleMsMax?: number
}

/** How long a payment may take to its end; one that takes longer has not been everywhere, and proves nothing. */
const settleMsMaxDefault = 15_000
const pollMs = 500
/** Fifteen digits are the most that E.164 allows; ten random ones are not met by chance. */
const phoneDigitsMax = 15

/**
 * Takes a payment with values that can be searched for, and waits for its end, so that every station has handled it.
 * @throws NotReached where it has no end in time
 */
export async function plantPayment(target: PlantingTarget, { apiKey, tenant }: ProbeMerchant, amount = '1'): Promise<PlantedPayment> {
  const { gateway, authority, network, random } = target
  const phoneDigits = network.phonePrefix + digits(random, phoneDigitsMax - network.phonePrefix.length - 1)
  const note = `probe ${Buffer.from(random.bytes(12)).toString('hex')}`
  const answer = await ask(gateway, authority, {
    method: 'POST',
    path: '/v1/payments',
    apiKey,
    headers: { 'idempotency-key': `probe-${Buffer.from(random.bytes(16)).toString('hex')}` },
    body: {
      amount, currency: network.currency, network: network.name, payer: { phone: `+${phoneDigits}` },
      reference: `probe-${Buffer.from(random.bytes(6)).toString('hex')}`, description: note,
    },
  })
  if (answer.status !== 201) throw new NotReached(`the gateway took no payment (${answer.status} ${answer.text.slice(0, 200)})`)
  const { id } = paymentSchema.parse(JSON.parse(answer.text))
  await untilItEnds(target, id, apiKey)
  return { id, tenant, phoneDigits, note }
}

async function untilItEnds(target: PlantingTarget, id: PaymentId, apiKey: Secret<string>): Promise<void> {
  const { settleMsMax = settleMsMaxDefault } = target
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const status = await statusOf(target, id, apiKey)
    if (status === 'succeeded' || status === 'failed') return
    if (waitedMs >= settleMsMax) {
      throw new NotReached(`the planted payment is ${status} after ${settleMsMax / 1000} s: not every process has handled it`)
    }
    await sleep(pollMs)
  }
}

/** @throws NotReached where it is not shown */
export async function statusOf(
  { gateway, authority }: Pick<PlantingTarget, 'gateway' | 'authority'>, id: PaymentId, apiKey: Secret<string>,
): Promise<PaymentView['status']> {
  const answer = await ask(gateway, authority, { method: 'GET', path: `/v1/payments/${id}`, apiKey })
  if (answer.status !== 200) throw new NotReached(`the gateway does not show the planted payment (${answer.status})`)
  return paymentSchema.parse(JSON.parse(answer.text)).status
}

/** Random digits of even chance; the first is none that a simulator gives a meaning to. */
export function digits(random: Random, length: number): string {
  let text = '7'
  while (text.length < length) for (const byte of random.bytes(length)) if (byte < 250 && text.length < length) text += byte % 10
  return text
}

import { checkoutNetworksMax, emit, type CheckoutDetails, type CreateCheckoutSession } from '@ngome/contracts'
import { Fault, newId, parseCurrency, parseMoney, type Clock, type FieldFault, type Money, type Random, type Secret } from '@ngome/kernel'
import { encryptCheckoutDetails, newCheckoutLink } from '@ngome/signatures'
import { insertCheckoutSession, type CheckoutRow, type Database } from '@ngome/store'
import { authorizePayment } from '../access/authorize-payment.ts'
import { jsonType, type Answer } from '../http/answer.ts'
import type { AuthenticatedCaller, Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { Networks } from '../payments/order.ts'
import { checkoutView } from './checkout-view.ts'
import { offeredNetworks } from './offered-networks.ts'

export type CreateCheckoutSessionPorts = {
  readonly database: Database
  readonly networks: Networks
  /** `undefined` where the operator has given the checkout no name. */
  readonly origin: string | undefined
  readonly linkSecret: Secret<Uint8Array>
  readonly idempotencySecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes a session and its link, which is in this answer and nowhere else: what is kept for a repetition is the answer without it.
 * @throws Fault `request/invalid`, `access/cap_exceeded`, `checkout/not_offered`, `idempotency/key_reused`, `idempotency/in_flight`
 */
export async function createCheckoutSession(ports: CreateCheckoutSessionPorts, call: Call<'createCheckoutSession'>): Promise<Answer> {
  const { caller, body } = call
  const { tenant, apiKey } = caller
  if (ports.origin === undefined) throw new Fault('checkout/not_offered', 'gateway.checkoutOrigin is not set')
  const { money, networks } = checkSession(ports.networks, caller, body)
  const link = newCheckoutLink(ports.linkSecret, ports.random)
  const createdAtMs = ports.clock.nowMs()
  const row: CheckoutRow = {
    id: newId('checkoutSession', ports), tenant, apiKey, ...money, reference: body.reference, networks, createdAtMs,
    expiresAtMs: createdAtMs + body.expires_in * 1_000, isCancelled: false, lastTry: null,
  }
  const details: CheckoutDetails = {
    description: body.description ?? null, success_url: body.success_url ?? null, cancel_url: body.cancel_url ?? null,
  }
  const view = checkoutView(row, createdAtMs)
  const outcome = await insertCheckoutSession(ports.database, {
    tenant,
    session: {
      ...row, money, tokenHash: link.hash,
      details: encryptCheckoutDetails(link, row, Buffer.from(JSON.stringify(details), 'utf8'), ports.random),
    },
    event: emit({ ...ports, process: 'gateway' }, 'checkout_session.created', tenant, { session: row.id }),
    idempotency: {
      ...idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey }),
      answer: { status: 201, body: JSON.stringify({ ...view, url: null }) },
    },
  })
  const url = link.token.expose((token) => `${ports.origin}/c/${token}`)
  return answerOutcome(outcome, {
    status: 201, contentType: jsonType, body: JSON.stringify({ ...view, url }), headers: ['location', `/v1/checkout_sessions/${row.id}`],
  })
}

/** What a payer will be able to pay, held against networks and caps now: who makes a link learns at once that nobody could pay it. */
function checkSession(all: Networks, caller: AuthenticatedCaller, body: CreateCheckoutSession): { readonly money: Money; readonly networks: readonly string[] } {
  const { tenant: { world }, caps } = caller
  const currency = parseCurrency(body.currency)
  const money = currency === undefined ? undefined : parseMoney(body.amount, currency)
  if (currency === undefined) throw invalid([{ pointer: '/currency', detail: 'This currency is not known here.' }])
  if (money === undefined) throw invalid([{ pointer: '/amount', detail: 'This is not an amount above zero in digits that the currency has.' }])
  const names = body.networks ?? Object.keys(all).filter((name) => caps.networks.size === 0 || caps.networks.has(name))
  const networks = offeredNetworks(all, { names: [...new Set(names)], world, currency }).map(({ name }) => name)
  if (networks.length === 0 || networks.length < (body.networks?.length ?? 0)) {
    throw invalid([{ pointer: '/networks', detail: 'Each must be known here, take the currency, and stand here once.' }])
  }
  for (const network of networks) authorizePayment(caller, { network, money })
  return { money, networks: networks.slice(0, checkoutNetworksMax) }
}

function invalid(fields: readonly FieldFault[]): Fault {
  return new Fault('request/invalid', `the session does not fit: ${fields.map((field) => field.pointer).join(' ')}`, { fields })
}

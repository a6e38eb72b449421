import { setTimeout as sleep } from 'node:timers/promises'
import { paymentSchema, vaultTokenSchema, type VaultTokenView } from '@ngome/contracts'
import type { Secret, VaultTokenId } from '@ngome/kernel'
import { isLuhn } from '@ngome/payments'
import { NotReached } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { ask } from '../wire/request.ts'
import { digits, statusOf, type PlantedCard, type PlantingTarget } from './plant-payment.ts'

/** A network of cards in the test world, and a page that its payers may come back to. */
export type CardNetwork = { readonly name: string; readonly currency: string; readonly page: string }
type CardTarget = Omit<PlantingTarget, 'network'> & { readonly cards?: CardNetwork | undefined }


/** How long a fingerprint may take; without it the dispatcher has not handled the card, and a search proves less. */
const indexMsMaxDefault = 15_000
const pollMs = 250
/** From the moment that a payment is under way: its number has left by then, and the answer has come. */
const sentMs = 2_000
/** Over after whoever reads this. */
const expiry = '2099-12'

/**
 * Keeps a random card number, written with spaces, in the vault, and waits until its fingerprint is there: then gateway,
 * custodian and dispatcher have all done what they do with one. Where there is a network of cards, a payment is asked for by it as well: the
 * acquirer knows no such number and takes nothing, and until then the number went all the way.
 * @throws NotReached where that does not happen in time
 */
export async function plantCard(target: CardTarget, { apiKey }: ProbeMerchant): Promise<PlantedCard> {
  const { gateway, authority, random, settleMsMax = indexMsMaxDefault } = target
  // Behind 99 no network has a range, so that this is nobody's card; twelve digits of chance and a check digit.
  const body = `99${digits(random, 13)}`
  const card = body + '0123456789'.split('').find((digit) => isLuhn(body + digit))
  const answer = await ask(gateway, authority, {
    method: 'POST', path: '/v1/vault/tokens', apiKey,
    headers: { 'idempotency-key': `probe-${Buffer.from(random.bytes(16)).toString('hex')}` },
    body: { type: 'card_number', value: card.replace(/(....)(?=.)/g, '$1 ') },
  })
  if (answer.status !== 201) throw new NotReached(`the gateway keeps no card (${answer.status} ${answer.text.slice(0, 200)})`)
  let token: VaultTokenView = vaultTokenSchema.parse(JSON.parse(answer.text))
  for (let waitedMs = 0; token.fingerprint.status === 'pending'; waitedMs += pollMs) {
    if (waitedMs >= settleMsMax) throw new NotReached(`the planted card has no fingerprint after ${settleMsMax / 1000} s`)
    await sleep(pollMs)
    const read = await ask(gateway, authority, { method: 'GET', path: `/v1/vault/tokens/${token.id}`, apiKey })
    if (read.status !== 200) throw new NotReached(`the gateway does not show the planted card (${read.status})`)
    token = vaultTokenSchema.parse(JSON.parse(read.text))
  }
  if (target.cards !== undefined) await payBy(target, target.cards, token.id, apiKey)
  return { id: token.id, digits: card, askedOf: target.cards?.name ?? null }
}

async function payBy(target: CardTarget, { name, currency, page }: CardNetwork, card: VaultTokenId, apiKey: Secret<string>): Promise<void> {
  const { gateway, authority, random, settleMsMax = indexMsMaxDefault } = target
  const answer = await ask(gateway, authority, {
    method: 'POST', path: '/v1/payments', apiKey, headers: { 'idempotency-key': `probe-${Buffer.from(random.bytes(16)).toString('hex')}` },
    body: { amount: '1', currency, network: name, payer: { card, card_expiry: expiry }, return_url: page, reference: 'probe-card' },
  })
  if (answer.status !== 201) throw new NotReached(`the gateway took no payment by card (${answer.status} ${answer.text.slice(0, 200)})`)
  const { id } = paymentSchema.parse(JSON.parse(answer.text))
  // An end may take the network's settling time: what was refused is asked about until then. It is enough that the number left.
  let leftMs = sentMs
  for (let waitedMs = 0; leftMs > 0; waitedMs += pollMs) {
    const status = await statusOf(target, id, apiKey)
    if (status === 'succeeded' || status === 'failed') return
    if (status !== 'accepted') leftMs -= pollMs
    else if (waitedMs >= settleMsMax) throw new NotReached(`the payment by the planted card is ${status} after ${settleMsMax / 1000} s`)
    await sleep(pollMs)
  }
}

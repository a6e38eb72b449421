import { setTimeout as sleep } from 'node:timers/promises'
import { vaultTokenSchema, type VaultTokenView } from '@ngome/contracts'
import { isLuhn } from '@ngome/payments'
import { NotReached } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { ask } from '../wire/request.ts'
import { digits, type PlantedCard, type PlantingTarget } from './plant-payment.ts'

/** How long a fingerprint may take; without it the dispatcher has not handled the card, and a search proves less. */
const indexMsMaxDefault = 15_000
const pollMs = 250

/**
 * Keeps a random card number, written with spaces, in the vault, and waits until its fingerprint is there: then gateway,
 * custodian and dispatcher have all done what they do with one.
 * @throws NotReached where that does not happen in time
 */
export async function plantCard(target: Omit<PlantingTarget, 'network'>, { apiKey }: ProbeMerchant): Promise<PlantedCard> {
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
  return { id: token.id, digits: card }
}

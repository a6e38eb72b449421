import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { balancesSchema, decidedPayoutSchema, type BalanceView, type DecidedPayoutView } from '@ngome/contracts'
import { formatMoney, parseAmount, type Clock, type MerchantSigningKeyId, type Money, type Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { digits, type ProbeNetwork } from '../at-rest/plant-payment.ts'
import { NotReached, type Probe } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'
import { newMerchantPair, type MerchantPair } from '../wire/merchant-pair.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'
import { signed, type SigningOwner } from '../wire/signed-call.ts'

export type ApprovalsOfProbes = {
  /** A network of the test world that collects and pays out in a currency with a limit, and that limit; `undefined` where there is none. */
  readonly limitedPayouts: () => { readonly network: ProbeNetwork; readonly over: Money } | undefined
  /** Two people of one merchant of the probes: each has an API key, and this key to sign with. */
  readonly addPayoutPeople: (first: KeyObject, second: KeyObject) => Promise<readonly [Person, Person]>
  /** Takes a payment of so much by that network and waits for its end. */
  readonly collect: (merchant: ProbeMerchant, network: ProbeNetwork, amount: string) => Promise<unknown>
}
type Person = ProbeMerchant & { readonly keyId: MerchantSigningKeyId }

type Target = ApprovalsOfProbes & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
  readonly auditor: Auditor
  /** How long nothing may be sent of what waits. */
  readonly watchMs?: number
  readonly settleMsMax?: number
  readonly newPair?: () => MerchantPair
}
/** Ordered by the first; nobody but the second may let it go. */
type Scene = { readonly target: Target; readonly first: SigningOwner; readonly second: SigningOwner; readonly order: object; readonly currency: string }
/** What is wrong, or nothing. */
type Found = Verdict | undefined

/** The dispatcher takes a job within a second; what it did not send in two, it does not send. */
const watchMsDefault = 2_000
const settleMsMaxDefault = 20_000
const pollMs = 250
/** As of the payments that are planted. */
const phoneDigitsMax = 14

export const largePayoutsWaitForASecondPerson: Probe<Target> = {
  id: 'large-payouts-wait-for-a-second-person',
  source: import.meta.filename,
  does: 'As a merchant of the probes with two people, each of whom has an API key and a signing key, orders a payout of the least that is over the operator\'s limit: it must wait with its money reserved, and no attempt to send it may be there. It tries to approve it unsigned, with both keys of who ordered it, with either of them, and with another amount, which must all be refused and send nothing; then as the second person, which must send it, once. Another one is refused by the second person: all its money must be back.',
  timeMsMax: 90_000,
  run: async (target) => {
    const limited = target.limitedPayouts()
    if (limited === undefined) return partial('no network of the test world pays out in a currency with a limit (payouts.approvalOver): nothing was ordered over it')
    const scene = await setScene(target, limited)
    const found = await approving(scene) ?? await refusing(scene)
    return found ?? holds(`a payout over ${formatMoney(limited.over)} ${limited.over.currency} waited and was sent by no word of who ordered it, nor by half of one; a second person's sent it once, and a second person's refusal gave another's money back`)
  },
}

async function setScene(target: Target, { network, over }: { readonly network: ProbeNetwork; readonly over: Money }): Promise<Scene> {
  const { newPair = newMerchantPair } = target
  const pairs = [newPair(), newPair()] as const
  const [first, second] = await target.addPayoutPeople(pairs[0].publicKey, pairs[1].publicKey)
  const { currency } = over
  const amountMinor = over.amountMinor + 1n
  const order = {
    amount: formatMoney({ amountMinor, currency }), currency, network: network.name, reference: `probe-${Buffer.from(target.random.bytes(12)).toString('hex')}`,
    payee: { phone: `+${network.phonePrefix}${digits(target.random, phoneDigitsMax - network.phonePrefix.length)}` },
  }
  const scene = { target, first: { ...first, pair: pairs[0] }, second: { ...second, pair: pairs[1] }, order, currency }
  // Both payouts, and as much again for fees.
  const needed = amountMinor * 4n
  const available = parseAmount((await balanceOf(scene)).available, currency) ?? 0n
  if (available < needed) await target.collect(first, network, formatMoney({ amountMinor: needed, currency }))
  return scene
}

async function approving(scene: Scene): Promise<Found> {
  const { target, first, second } = scene
  const before = await balanceOf(scene)
  const ordered = await orderIn(scene)
  if ('status' in ordered) return ordered
  const { payout } = ordered
  const path = `/v1/payouts/${payout.id}/approve`
  const seen = { amount: payout.amount, currency: payout.currency, reference: payout.reference }
  if ((await balanceOf(scene)).reserved === before.reserved) return fails('a payout that waits has reserved nothing')
  const tries: readonly (readonly [what: string, statuses: readonly number[], answer: () => Promise<ApiAnswer>])[] = [
    ['unsigned', [401], () => ask(target.gateway, target.authority, { method: 'POST', path, apiKey: second.apiKey, body: seen })],
    ['by who ordered it', [403], () => signed(target, first, 'POST', path, seen)],
    ['by the API key that ordered it', [403], () => signed(target, { ...second, apiKey: first.apiKey }, 'POST', path, seen)],
    ['by the signing key that ordered it', [403], () => signed(target, { ...first, apiKey: second.apiKey }, 'POST', path, seen)],
    ['for another amount', [409, 422], () => signed(target, second, 'POST', path, { ...seen, amount: `1${payout.amount}` })],
  ]
  for (const [what, statuses, answer] of tries) {
    const { status } = await answer()
    if (!statuses.includes(status)) return fails(`an approval ${what} was answered ${status}`)
  }
  const waits = await stillWaits(scene, payout)
  if (waits !== undefined) return waits
  const approved = await signed(target, second, 'POST', path, seen)
  if (approved.status !== 200) return fails(`a second person's approval was answered ${approved.status} ${codeOf(approved)}`)
  if (!await succeeds(scene, payout)) return fails('a payout that a second person approved was not sent')
  const sent = await attemptsOf(scene, payout)
  return sent === 1 ? undefined : fails(`a payout that was approved was sent ${sent} times`)
}

async function refusing(scene: Scene): Promise<Found> {
  const before = await balanceOf(scene)
  const ordered = await orderIn(scene)
  if ('status' in ordered) return ordered
  const { payout } = ordered
  const refused = await signed(scene.target, scene.second, 'POST', `/v1/payouts/${payout.id}/refuse`)
  if (refused.status !== 200) return fails(`a second person's refusal was answered ${refused.status} ${codeOf(refused)}`)
  const { available, reserved } = await balanceOf(scene)
  if (available !== before.available || reserved !== before.reserved) return fails('a payout that was refused keeps some of its money')
  return await attemptsOf(scene, payout) === 0 ? undefined : fails('a payout that was refused was sent')
}

async function orderIn({ target, first, order }: Scene): Promise<Verdict | { readonly payout: DecidedPayoutView }> {
  const answer = await signed(target, first, 'POST', '/v1/payouts', order)
  if (answer.status !== 201) throw new NotReached(`a payout over the limit was answered ${answer.status} ${codeOf(answer)}`)
  const payout = decidedPayoutSchema.parse(JSON.parse(answer.text))
  return payout.status === 'awaiting_approval' ? { payout } : fails(`a payout over the limit of one person is ${payout.status}`)
}

async function stillWaits(scene: Scene, payout: DecidedPayoutView): Promise<Found> {
  const { watchMs = watchMsDefault } = scene.target
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const { status } = await read(scene, payout)
    if (status !== 'awaiting_approval') return fails(`a payout that nobody else approved is ${status}`)
    if (await attemptsOf(scene, payout) > 0) return fails('a payout that nobody else approved was sent')
    if (waitedMs >= watchMs) return undefined
    await sleep(pollMs)
  }
}

async function succeeds(scene: Scene, payout: DecidedPayoutView): Promise<boolean> {
  const { settleMsMax = settleMsMaxDefault } = scene.target
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const { status } = await read(scene, payout)
    if (status === 'succeeded') return true
    if (status === 'failed' || waitedMs >= settleMsMax) return false
    await sleep(pollMs)
  }
}

async function read({ target, first }: Scene, { id }: DecidedPayoutView): Promise<DecidedPayoutView> {
  return decidedPayoutSchema.parse(await shown(target, first, `/v1/payouts/${id}`))
}

async function balanceOf({ target, first, currency }: Pick<Scene, 'target' | 'first' | 'currency'>): Promise<Pick<BalanceView, 'available' | 'reserved'>> {
  const { data } = balancesSchema.parse(await shown(target, first, '/v1/balances'))
  return data.find((balance) => balance.currency === currency) ?? { available: '0', reserved: '0' }
}

async function shown({ gateway, authority }: Target, { apiKey }: ProbeMerchant, path: string): Promise<unknown> {
  const { status, text } = await ask(gateway, authority, { method: 'GET', path, apiKey })
  if (status !== 200) throw new NotReached(`GET ${path} was answered ${status}`)
  return JSON.parse(text)
}

/** What was prepared or sent of it, as the auditor sees it. */
async function attemptsOf({ target }: Scene, { id }: DecidedPayoutView): Promise<number> {
  const [row] = await target.auditor.query<{ attempts: string }>('SELECT count(*) AS attempts FROM ngome.attempts WHERE payment = $1', [id])
  return Number(row?.attempts ?? Number.NaN)
}

function codeOf({ text }: ApiAnswer): string {
  return /"code":"([a-z_/]+)"/.exec(text)?.[1] ?? ''
}

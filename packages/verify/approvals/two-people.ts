import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { balancesSchema } from '@ngome/contracts'
import { formatMoney, parseAmount, type Clock, type Currency, type MerchantSigningKeyId, type Money, type Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { digits, type ProbeNetwork } from '../at-rest/plant-payment.ts'
import { NotReached } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { fails, partial, type Verdict } from '../verdict.ts'
import { newMerchantPair, type MerchantPair } from '../wire/merchant-pair.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'
import { signed, type SigningOwner } from '../wire/signed-call.ts'

/** What they decide; of each the probes have another merchant, since what it has is compared. */
export type Decided = 'payouts' | 'batches'
export type ApprovalsOfProbes = {
  /** A network of the test world that collects and pays out in a currency with a limit, and that limit; `undefined` where there is none. */
  readonly limitedPayouts: () => { readonly network: ProbeNetwork; readonly over: Money } | undefined
  /** Two people of one merchant of the probes: each has an API key, and this key to sign with. */
  readonly addPayoutPeople: (decided: Decided, first: KeyObject, second: KeyObject) => Promise<readonly [Person, Person]>
  /** Takes a payment of so much by that network and waits for its end. */
  readonly collect: (merchant: ProbeMerchant, network: ProbeNetwork, amount: string) => Promise<unknown>
}
type Person = ProbeMerchant & { readonly keyId: MerchantSigningKeyId }

export type ApprovalTarget = ApprovalsOfProbes & {
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
export type TwoPeople = {
  readonly target: ApprovalTarget
  readonly first: SigningOwner
  readonly second: SigningOwner
  readonly network: ProbeNetwork
  readonly currency: Currency
  /** What each order comes to. */
  readonly orderedMinor: bigint
}
/** What is wrong, or nothing. */
export type Found = Verdict | undefined
type Balance = { readonly availableMinor: bigint; readonly reservedMinor: bigint }

/** The dispatcher takes a job within a second; what it did not send in two, it does not send. */
const watchMsDefault = 2_000
const settleMsMaxDefault = 20_000
const pollMs = 250
/** As of the payments that are planted. */
const phoneDigitsMax = 14
/** One order that is approved and one that is refused, and as much again for fees. */
const ordersPaidFor = 4n

/**
 * Has two people look, whose merchant has the money for it.
 * @param orderedMinor what each order comes to, by the limit
 */
export async function lookAsTwoPeople(
  target: ApprovalTarget, decided: Decided, orderedMinor: (overMinor: bigint) => bigint, look: (people: TwoPeople, over: string) => Promise<Verdict>,
): Promise<Verdict> {
  const limited = target.limitedPayouts()
  if (limited === undefined) return partial('no network of the test world pays out in a currency with a limit (payouts.approvalOver): nothing was ordered over it')
  const { network, over: { amountMinor: overMinor, currency } } = limited
  const { newPair = newMerchantPair } = target
  const pairs = [newPair(), newPair()] as const
  const [first, second] = await target.addPayoutPeople(decided, pairs[0].publicKey, pairs[1].publicKey)
  const people = { target, first: { ...first, pair: pairs[0] }, second: { ...second, pair: pairs[1] }, network, currency, orderedMinor: orderedMinor(overMinor) }
  const amountMinor = people.orderedMinor * ordersPaidFor
  if ((await balanceOf(people)).availableMinor < amountMinor) await target.collect(first, network, formatMoney({ amountMinor, currency }))
  return look(people, `${formatMoney(limited.over)} ${currency}`)
}

export function newReference({ target: { random } }: TwoPeople): string {
  return `probe-${Buffer.from(random.bytes(12)).toString('hex')}`
}

export function newPayee({ target: { random }, network: { phonePrefix } }: TwoPeople): { readonly phone: string } {
  return { phone: `+${phonePrefix}${digits(random, phoneDigitsMax - phonePrefix.length)}` }
}

export async function balanceOf({ target, first, currency }: Pick<TwoPeople, 'target' | 'first' | 'currency'>): Promise<Balance> {
  const { data } = balancesSchema.parse(await shown({ target, first }, '/v1/balances'))
  const found = data.find((balance) => balance.currency === currency)
  return { availableMinor: parseAmount(found?.available ?? '0', currency) ?? 0n, reservedMinor: parseAmount(found?.reserved ?? '0', currency) ?? 0n }
}

/** @throws NotReached where it is not shown */
export async function shown({ target: { gateway, authority }, first: { apiKey } }: Pick<TwoPeople, 'target' | 'first'>, path: string): Promise<unknown> {
  const { status, text } = await ask(gateway, authority, { method: 'GET', path, apiKey })
  if (status !== 200) throw new NotReached(`GET ${path} was answered ${status}`)
  return JSON.parse(text)
}

export function codeOf({ text }: ApiAnswer): string {
  return /"code":"([a-z_/]+)"/.exec(text)?.[1] ?? ''
}

/** An approval of what waits: where, and what a second person saw of it. */
export type Approval = { readonly path: string; readonly seen: Readonly<Record<string, unknown>> }

/** Tries to approve as nobody, as who ordered it, with either of the keys of who ordered it, and what is not what was seen. */
export async function tryToApprove({ target, first, second }: TwoPeople, { path, seen }: Approval, others: readonly (readonly [what: string, change: object])[]): Promise<Found> {
  const tries: readonly (readonly [what: string, statuses: readonly number[], answer: () => Promise<ApiAnswer>])[] = [
    ['unsigned', [401], () => ask(target.gateway, target.authority, { method: 'POST', path, apiKey: second.apiKey, body: seen })],
    ['by who ordered it', [403], () => signed(target, first, 'POST', path, seen)],
    ['by the API key that ordered it', [403], () => signed(target, { ...second, apiKey: first.apiKey }, 'POST', path, seen)],
    ['by the signing key that ordered it', [403], () => signed(target, { ...first, apiKey: second.apiKey }, 'POST', path, seen)],
    ...others.map(([what, change]) => [what, [409, 422], () => signed(target, second, 'POST', path, { ...seen, ...change })] as const),
  ]
  for (const [what, statuses, answer] of tries) {
    const { status } = await answer()
    if (!statuses.includes(status)) return fails(`an approval ${what} was answered ${status}`)
  }
  return undefined
}

export async function approve({ target, second }: TwoPeople, { path, seen }: Approval): Promise<Found> {
  const answer = await signed(target, second, 'POST', path, seen)
  return answer.status === 200 ? undefined : fails(`a second person's approval was answered ${answer.status} ${codeOf(answer)}`)
}

/** @param withinMs how long its money may take to come back */
export async function refuse({ target, second, ...rest }: TwoPeople, path: string, what: string, before: Balance, withinMs: number): Promise<Found> {
  const answer = await signed(target, second, 'POST', path)
  if (answer.status !== 200) return fails(`a second person's refusal was answered ${answer.status} ${codeOf(answer)}`)
  const isBack = await comesTrue(withinMs, async () => {
    const { availableMinor, reservedMinor } = await balanceOf({ target, ...rest })
    return availableMinor === before.availableMinor && reservedMinor === before.reservedMinor
  })
  return isBack ? undefined : fails(`${what} that was refused keeps some of its money`)
}

/** Looks again and again, for as long as the dispatcher takes to send what it sends. */
export async function watch({ target: { watchMs = watchMsDefault } }: TwoPeople, look: () => Promise<Found>): Promise<Found> {
  let found: Found
  await comesTrue(watchMs, async () => {
    found = await look()
    return found !== undefined
  })
  return found
}

/** Whether it comes true in the time that a payment takes to its end. */
export function settles({ target }: TwoPeople, look: () => Promise<boolean>): Promise<boolean> {
  return comesTrue(settleMsOf(target), look)
}

export function settleMsOf({ settleMsMax = settleMsMaxDefault }: ApprovalTarget): number {
  return settleMsMax
}

async function comesTrue(withinMs: number, look: () => Promise<boolean>): Promise<boolean> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    if (await look()) return true
    if (waitedMs >= withinMs) return false
    await sleep(pollMs)
  }
}

/** Numbers of what was prepared or sent, as the auditor sees them: one of each row of the statement, which names them `attempts`. */
export async function attemptsBy({ target: { auditor } }: TwoPeople, statement: string, id: string): Promise<readonly number[]> {
  const rows = await auditor.query<{ attempts: string }>(statement, [id])
  return rows.map(({ attempts }) => Number(attempts))
}

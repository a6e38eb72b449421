import type { PaymentId, PayoutBatchId } from '@ngome/kernel'
import { needsApproval, type ApprovalRules } from '@ngome/payments'
import type { BatchStanding } from '@ngome/store'
import type { FinalBatch, FinalPayment } from './books.ts'
import type { Seen, SeenBatch } from './seen.ts'

/** What of a run's batches is not as it must be; that each row of them is paid or failed, and once, is said of its payout. */
export function brokenBatches(
  batches: readonly FinalBatch[], payments: readonly FinalPayment[], standings: ReadonlyMap<PayoutBatchId, readonly BatchStanding[]>,
  seen: Pick<Seen, 'batches' | 'approved'>, rules: Pick<ApprovalRules, 'over'>,
): readonly string[] {
  const byId = new Map(payments.map((payment) => [payment.id, payment]))
  const there = new Map(batches.map((batch) => [batch.id, batch]))
  const names = batches.map(({ merchant, reference }) => `${merchant} ${reference}`)
  return [
    ...new Set(names).size === names.length ? [] : ['a reference names two batches'],
    ...[...seen.batches.values()].flatMap((told) => lostOf(told, there.get(told.id))),
    ...batches.flatMap((batch) => problemsOf(batch, byId, standings.get(batch.id) ?? [], { told: seen.batches.get(batch.id), isApproved: seen.approved.has(batch.id) }, rules)),
  ]
}

/** Batches, by whether all of their rows came, and by what their answers said of them. */
export function countBatches(batches: readonly FinalBatch[], seen: Pick<Seen, 'batches'>): Readonly<Record<string, number>> {
  const names = batches.flatMap(({ id, declared, accepted }) => [declared.count === accepted.count ? 'whole' : 'open', ...seen.batches.get(id)?.words ?? []])
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]))
}

/** What was answered and is not there. */
function lostOf({ id, parts }: SeenBatch, batch: FinalBatch | undefined): readonly string[] {
  if (batch === undefined) return [`${id} was opened and is lost`]
  return [...parts].flatMap(([number, { id: part, references }]) => {
    const kept = batch.rows.filter((row) => row.part === part).map(({ reference }) => reference)
    const isSame = kept.length === references.length && references.every((reference) => kept.includes(reference))
    return isSame ? [] : [`${id}: of part ${number}, which was taken, it has ${kept.length} of ${references.length} rows`]
  })
}

function problemsOf(
  batch: FinalBatch, byId: ReadonlyMap<PaymentId, FinalPayment>, standing: readonly BatchStanding[],
  { told, isApproved }: { readonly told: SeenBatch | undefined; readonly isApproved: boolean }, rules: Pick<ApprovalRules, 'over'>,
): readonly string[] {
  const { id, rows, declared, accepted, currency } = batch
  const payouts = rows.map(({ payment }) => byId.get(payment)).filter((payout) => payout !== undefined)
  const minor = sumOf(payouts)
  const isWhole = payouts.length === declared.count
  const isOver = needsApproval(rules, { amountMinor: declared.minor, currency })
  const hasWord = (word: 'approved' | 'refused' | 'cancelled'): boolean => told?.words.has(word) === true
  const problems: readonly (readonly [isBroken: boolean, what: string])[] = [
    [payouts.length !== rows.length, 'has rows that are no payout'],
    [new Set(rows.map(({ reference }) => reference)).size !== rows.length, 'has a reference twice'],
    [payouts.length > declared.count || minor > declared.minor, 'has more than was declared'],
    [isWhole !== (minor === declared.minor), 'is whole by its count or by its total alone'],
    [accepted.count !== payouts.length || accepted.minor !== minor, `counts ${accepted.count} rows and has ${payouts.length}`],
    [!isStanding(payouts, standing), 'stands as its rows do not'],
    [isOver && !isApproved && payouts.some(wentOut), 'went out on one person\'s word'],
    [hasWord('approved') && payouts.some(({ failure }) => failure === 'approval_refused' || failure === 'approval_expired'), 'was told to be approved, and is not'],
    [hasWord('refused') && payouts.some((payout) => wentOut(payout) || (payout.failure !== 'approval_refused' && payout.status !== 'cancelled')), 'was told to be refused, and is not'],
  ]
  return problems.filter(([isBroken]) => isBroken).map(([, what]) => `${id}: ${what}`)
}

function isStanding(payouts: readonly FinalPayment[], standing: readonly BatchStanding[]): boolean {
  const counted = standing.reduce((sum, { count }) => sum + count, 0)
  return counted === payouts.length && standing.every(({ status, count, totalMinor }) => {
    const those = payouts.filter((payout) => payout.status === status)
    return those.length === count && sumOf(those) === totalMinor
  })
}

function sumOf(payouts: readonly FinalPayment[]): bigint {
  return payouts.reduce((sum, { money }) => sum + money.amountMinor, 0n)
}

function wentOut({ told }: FinalPayment): boolean {
  return told.some(({ status }) => status === 'processing')
}

import { canTransition, needsApproval, type ApprovalRules } from '@ngome/payments'
import { isOpen, type Books, type FinalPayment } from './books.ts'
import type { BookEntry } from './model-network.ts'
import { unlearned } from './model-operator.ts'
import type { Decision, Seen } from './seen.ts'

/** What merchants were told and said that payments are held against. */
type Told = Pick<Seen, 'acknowledged' | 'approved' | 'refused' | 'decisions'>

/**
 * What must be true when a run is over, whatever happened in it.
 * @param rules over what a payout needs a second person's word, whatever the processes were told
 * @returns what is not, by payment
 */
export async function brokenClaims(
  books: Books, network: ReadonlyMap<string, BookEntry>, seen: Told, rules: Pick<ApprovalRules, 'over'>,
): Promise<readonly string[]> {
  const { acknowledged } = seen
  const payments = await books.payments()
  const byId = new Map(payments.map((payment) => [payment.id as string, payment]))
  const references = new Set(payments.map(({ reference }) => reference))
  return [
    ...[...acknowledged].filter(([, id]) => !byId.has(id)).map(([key, id]) => `${id} was acknowledged for ${key} and is lost`),
    ...new Set(acknowledged.values()).size === acknowledged.size ? [] : ['two keys have one payment'],
    ...payments.flatMap((payment) => {
      const entry = payment.reference === null ? undefined : network.get(payment.reference)
      return [...problemsOf(payment, entry), ...approvalProblems(payment, entry, seen, rules)]
    }),
    ...unlearned(payments, network).map(({ id, direction }) => `${id} (${direction}): succeeded, and its network took it back`),
    ...seen.decisions.filter((decision) => !isKept(decision, byId.get(decision.payment)))
      .map(({ payment, word }) => `${payment} was told to be ${word}, and is ${byId.get(payment)?.status}`),
    ...[...network].filter(([reference]) => !references.has(reference)).map(([reference, { payment }]) => `the network has ${reference} of ${payment}, and we do not`),
    ...(await books.ledgerProblems()),
    ...(await books.alarms()).map((type) => `an alarm without an attack: ${type}`),
  ]
}

function problemsOf(payment: FinalPayment, entry: BookEntry | undefined): readonly string[] {
  const { status, isStuck } = payment
  const { moves, returns } = entry ?? { moves: 0, returns: 0 }
  const told = payment.told.map((one) => one.status)
  return broken(payment, [
    [moves > 1, `the network moved its money ${moves} times`],
    [status === 'succeeded' && moves !== 1, 'succeeded, and no money moved'],
    [(status === 'failed' || status === 'cancelled') && moves > returns, `${status}, and its money moved`],
    [status === 'reversed' && returns !== 1, 'reversed, and no network took it back'],
    [entry !== undefined && entry.money.amountMinor !== payment.money.amountMinor, 'the network was asked for another amount'],
    [entry !== undefined && !told.includes('processing'), 'the network was asked for what nobody marked as sent'],
    [isOpen(status) && !isStuck, `left behind as ${status}`],
    [isOpen(status) && status !== 'in_doubt', `a person was told of it, and it is ${status}`],
    [payment.told.some(({ sequence }, at) => sequence !== at + 1), `events with a gap: ${payment.told.map(({ sequence }) => sequence).join(' ')}`],
    [told.at(-1) !== status, `the last event tells of ${told.at(-1)}`],
    [told.some((to, at) => at > 0 && !canTransition(told[at - 1] ?? to, to)), `went ${told.join(' -> ')}`],
  ])
}

/** Over the limit nothing goes out without a second person's word; and what nobody said is nobody's. */
function approvalProblems(
  payment: FinalPayment, entry: BookEntry | undefined, { approved, refused }: Told, rules: Pick<ApprovalRules, 'over'>,
): readonly string[] {
  const { id, direction, money, failure, told } = payment
  const isOver = direction === 'payout' && needsApproval(rules, money)
  const isReleased = told.some(({ status, sequence }) => status === 'accepted' && sequence > 1)
  return broken(payment, [
    [isOver && entry !== undefined && !approved.has(id), 'went out on one person\'s word'],
    [isReleased && !approved.has(id), 'was released, and nobody approved it'],
    [failure === 'approval_refused' && !refused.has(id), 'was refused by nobody'],
    [(failure === 'approval_refused' || failure === 'approval_expired') && entry !== undefined, `${failure}, and the network was asked for it`],
  ])
}

/** Whether what an answer said of a payment is what became of it. */
function isKept({ word }: Decision, payment: FinalPayment | undefined): boolean {
  switch (word) {
    case 'approved': return payment?.told.some(({ status, sequence }) => status === 'accepted' && sequence === 2) === true
    case 'refused': return payment?.status === 'failed' && payment.failure === 'approval_refused'
    case 'cancelled': return payment?.status === 'cancelled'
    default: return word satisfies never
  }
}

function broken({ id, direction }: FinalPayment, problems: readonly (readonly [isBroken: boolean, what: string])[]): readonly string[] {
  return problems.filter(([isBroken]) => isBroken).map(([, what]) => `${id} (${direction}): ${what}`)
}

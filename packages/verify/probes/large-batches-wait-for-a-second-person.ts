import { payoutBatchSchema, payoutPageSchema, type PayoutBatchView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import {
  approve, attemptsBy, balanceOf, codeOf, lookAsTwoPeople, newPayee, newReference, refuse, settleMsOf, settles, shown, tryToApprove, watch, type Approval, type ApprovalTarget, type Found,
  type TwoPeople,
} from '../approvals/two-people.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import type { ApiAnswer } from '../wire/request.ts'
import { signed } from '../wire/signed-call.ts'

/** Rows of each part; each row is of little more than half of the limit. */
const parts = [2, 1] as const
const rowsOfAll = parts[0] + parts[1]
/** What is no digest of anything. */
const noDigest = '0'.repeat(64)

export const largeBatchesWaitForASecondPerson: Probe<ApprovalTarget> = {
  id: 'large-batches-wait-for-a-second-person',
  source: import.meta.filename,
  does: 'As a merchant of the probes with two people opens a batch of payouts that are each under the operator\'s limit and together over it, and sends it in two parts: it must wait as a whole with its money reserved, and no attempt to send a row may be there. It tries to approve it before its last part, unsigned, with both keys of who ordered it, with either of them, with another digest of its parts, another total and another count, and to approve one of its rows alone, which must all be refused and send nothing; then as the second person, which must send each row, once. Another one is refused by the second person: all its money must be back, and nothing of it sent.',
  timeMsMax: 90_000,
  run: (target) => lookAsTwoPeople(target, 'batches', (overMinor) => (overMinor / 2n + 1n) * BigInt(rowsOfAll), async (people, over) => {
    const found = await approving(people) ?? await refusing(people)
    return found ?? holds(`a batch over ${over}, of payouts under it, waited as a whole and was sent by no word of who ordered it, by half of one, in part or as another; a second person's sent each row once, and a second person's refusal gave another's money back`)
  }),
}

async function approving(people: TwoPeople): Promise<Found> {
  const before = await balanceOf(people)
  const opened = await openIn(people)
  if (opened.approval === undefined) return fails('a batch over the limit of one person asks for no second one')
  await addPart(people, opened, 1)
  const { status } = await signed(people.target, people.second, 'POST', approvalOf(opened).path, { ...approvalOf(opened).seen, parts_digest: noDigest })
  if (status !== 409) return fails(`an approval before the last part was answered ${status}`)
  await addPart(people, opened, 2)
  const whole = await read(people, opened)
  if (whole.status !== 'awaiting_approval') return fails(`a batch over the limit of one person is ${whole.status}`)
  if ((await balanceOf(people)).reservedMinor - before.reservedMinor < people.orderedMinor) return fails('a batch that waits has not reserved what it comes to')
  const approval = approvalOf(whole)
  const refused = await tryToApprove(people, approval, [
    ['of another list of parts', { parts_digest: noDigest }], ['for another total', { total: `1${whole.total}` }], ['of another count', { count: whole.count + 1 }],
  ])
  const found = refused ?? await approveOneRow(people, whole) ?? await stillWaits(people, whole) ?? await approve(people, approval)
  if (found !== undefined) return found
  if (!await settles(people, async () => allAre(await read(people, whole), 'succeeded'))) return fails('not every row of a batch that a second person approved was sent')
  const sent = await attemptsOf(people, whole)
  return sent.length === rowsOfAll && sent.every((times) => times === 1) ? undefined : fails(`rows of a batch that was approved were sent ${sent.join(', ')} times`)
}

async function refusing(people: TwoPeople): Promise<Found> {
  const before = await balanceOf(people)
  const opened = await openIn(people)
  for (const at of parts.keys()) await addPart(people, opened, at + 1)
  const found = await refuse(people, `/v1/payout_batches/${opened.id}/refuse`, 'a batch', before, settleMsOf(people.target))
  if (found !== undefined) return found
  const { status } = await read(people, opened)
  if (status !== 'refused') return fails(`a batch that was refused is ${status}`)
  return isSent(await attemptsOf(people, opened)) ? fails('a row of a batch that was refused was sent') : undefined
}

async function openIn(people: TwoPeople): Promise<PayoutBatchView> {
  const { target, first, currency, orderedMinor: amountMinor } = people
  const declared = { reference: newReference(people), currency, count: rowsOfAll, total: formatMoney({ amountMinor, currency }) }
  const answer = await signed(target, first, 'POST', '/v1/payout_batches', declared)
  assertMade('a batch over the limit', answer)
  return payoutBatchSchema.parse(JSON.parse(answer.text))
}

async function addPart(people: TwoPeople, { id, reference, currency }: PayoutBatchView, part: number): Promise<void> {
  const { target, first, network, orderedMinor } = people
  const amount = formatMoney({ amountMinor: orderedMinor / BigInt(rowsOfAll), currency: people.currency })
  const payouts = Array.from({ length: parts[part - 1] ?? 0 }, (_, row) => ({ reference: `${part}-${row}`, amount, payee: newPayee(people) }))
  const answer = await signed(target, first, 'POST', `/v1/payout_batches/${id}/payouts`, { part, batch_reference: reference, currency, network: network.name, payouts })
  assertMade('a part of a batch', answer)
}

function assertMade(what: string, answer: ApiAnswer): void {
  if (answer.status !== 201) throw new NotReached(`${what} was answered ${answer.status} ${codeOf(answer)}`)
}

/** What a second person reads off it and signs. */
function approvalOf({ id, reference, currency, count, total, approval }: PayoutBatchView): Approval {
  return { path: `/v1/payout_batches/${id}/approve`, seen: { reference, currency, count, total, parts_digest: approval?.parts_digest } }
}

/** As if it were a payout by itself: a batch goes out as a whole. */
async function approveOneRow(people: TwoPeople, { id }: PayoutBatchView): Promise<Found> {
  const { target, second } = people
  const { data: [row] } = payoutPageSchema.parse(await shown(people, `/v1/payouts?batch=${id}`))
  if (row === undefined) throw new NotReached('no row of the batch is listed')
  const { status } = await signed(target, second, 'POST', `/v1/payouts/${row.id}/approve`, { amount: row.amount, currency: row.currency, reference: row.reference })
  return status === 409 ? undefined : fails(`an approval of one row alone was answered ${status}`)
}

function stillWaits(people: TwoPeople, batch: PayoutBatchView): Promise<Found> {
  return watch(people, async () => {
    const now = await read(people, batch)
    if (now.status !== 'awaiting_approval') return fails(`a batch that nobody else approved is ${now.status}`)
    if (!allAre(now, 'awaiting_approval')) return fails('a row of a batch that nobody else approved waits no more')
    return isSent(await attemptsOf(people, batch)) ? fails('a row of a batch that nobody else approved was sent') : undefined
  })
}

async function read(people: TwoPeople, { id }: PayoutBatchView): Promise<PayoutBatchView> {
  return payoutBatchSchema.parse(await shown(people, `/v1/payout_batches/${id}`))
}

function allAre({ by_status: standing }: PayoutBatchView, status: PayoutBatchView['by_status'][number]['status']): boolean {
  return standing.length === 1 && standing[0]?.status === status && standing[0].count === rowsOfAll
}

function isSent(attempts: readonly number[]): boolean {
  return attempts.length !== rowsOfAll || attempts.some((times) => times !== 0)
}

/** Of each of its rows. */
function attemptsOf(people: TwoPeople, { id }: PayoutBatchView): Promise<readonly number[]> {
  return attemptsBy(people, `SELECT count(a.id) AS attempts FROM ngome.payout_batch_rows r
      LEFT JOIN ngome.attempts a ON a.merchant = r.merchant AND a.world = r.world AND a.payment = r.payment
    WHERE r.batch = $1 GROUP BY r.payment`, id)
}

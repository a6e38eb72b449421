import { decidedPayoutSchema, type DecidedPayoutView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import {
  approve, attemptsBy, balanceOf, codeOf, lookAsTwoPeople, newPayee, newReference, refuse, settles, shown, tryToApprove, watch, type ApprovalTarget, type Found, type TwoPeople,
} from '../approvals/two-people.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { signed } from '../wire/signed-call.ts'

export const largePayoutsWaitForASecondPerson: Probe<ApprovalTarget> = {
  id: 'large-payouts-wait-for-a-second-person',
  source: import.meta.filename,
  does: 'As a merchant of the probes with two people, each of whom has an API key and a signing key, orders a payout of the least that is over the operator\'s limit: it must wait with its money reserved, and no attempt to send it may be there. It tries to approve it unsigned, with both keys of who ordered it, with either of them, and with another amount, which must all be refused and send nothing; then as the second person, which must send it, once. Another one is refused by the second person: all its money must be back.',
  timeMsMax: 90_000,
  run: (target) => lookAsTwoPeople(target, 'payouts', (overMinor) => overMinor + 1n, async (people, over) => {
    const found = await approving(people) ?? await refusing(people)
    return found ?? holds(`a payout over ${over} waited and was sent by no word of who ordered it, nor by half of one; a second person's sent it once, and a second person's refusal gave another's money back`)
  }),
}

async function approving(people: TwoPeople): Promise<Found> {
  const before = await balanceOf(people)
  const ordered = await orderIn(people)
  if ('status' in ordered) return ordered
  const { payout } = ordered
  if ((await balanceOf(people)).reservedMinor - before.reservedMinor < people.orderedMinor) return fails('a payout that waits has reserved nothing')
  const approval = { path: `/v1/payouts/${payout.id}/approve`, seen: { amount: payout.amount, currency: payout.currency, reference: payout.reference } }
  const refused = await tryToApprove(people, approval, [['for another amount', { amount: `1${payout.amount}` }]])
  const found = refused ?? await stillWaits(people, payout) ?? await approve(people, approval)
  if (found !== undefined) return found
  if (!await settles(people, async () => (await read(people, payout)).status === 'succeeded')) return fails('a payout that a second person approved was not sent')
  const sent = await attemptsOf(people, payout)
  return sent === 1 ? undefined : fails(`a payout that was approved was sent ${sent} times`)
}

async function refusing(people: TwoPeople): Promise<Found> {
  const before = await balanceOf(people)
  const ordered = await orderIn(people)
  if ('status' in ordered) return ordered
  const { payout } = ordered
  const found = await refuse(people, `/v1/payouts/${payout.id}/refuse`, 'a payout', before, 0)
  if (found !== undefined) return found
  return await attemptsOf(people, payout) === 0 ? undefined : fails('a payout that was refused was sent')
}

async function orderIn(people: TwoPeople): Promise<Verdict | { readonly payout: DecidedPayoutView }> {
  const { target, first, network, currency, orderedMinor: amountMinor } = people
  const order = { amount: formatMoney({ amountMinor, currency }), currency, network: network.name, reference: newReference(people), payee: newPayee(people) }
  const answer = await signed(target, first, 'POST', '/v1/payouts', order)
  if (answer.status !== 201) throw new NotReached(`a payout over the limit was answered ${answer.status} ${codeOf(answer)}`)
  const payout = decidedPayoutSchema.parse(JSON.parse(answer.text))
  return payout.status === 'awaiting_approval' ? { payout } : fails(`a payout over the limit of one person is ${payout.status}`)
}

function stillWaits(people: TwoPeople, payout: DecidedPayoutView): Promise<Found> {
  return watch(people, async () => {
    const { status } = await read(people, payout)
    if (status !== 'awaiting_approval') return fails(`a payout that nobody else approved is ${status}`)
    return await attemptsOf(people, payout) > 0 ? fails('a payout that nobody else approved was sent') : undefined
  })
}

async function read(people: TwoPeople, { id }: DecidedPayoutView): Promise<DecidedPayoutView> {
  return decidedPayoutSchema.parse(await shown(people, `/v1/payouts/${id}`))
}

async function attemptsOf(people: TwoPeople, { id }: DecidedPayoutView): Promise<number> {
  const [attempts = Number.NaN] = await attemptsBy(people, 'SELECT count(*) AS attempts FROM ngome.attempts WHERE payment = $1', id)
  return attempts
}

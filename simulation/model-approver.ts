import { approvePayoutSchema, type PayoutView } from '@ngome/contracts'
import type { ClientPorts, ClientRequest, ModelClient } from './model-client.ts'
import type { Life } from './scheduler.ts'
import type { Decision } from './seen.ts'

/** How long a merchant has to decide about a payout in a run. */
export const approvalExpiresAfterMs = 30 * 60_000
const soonMs = 120_000

type Word = 'approve' | 'refuse' | 'cancel'

/** Those at a merchant who decide about payouts that wait: a second person with keys of its own, and who ordered and would like to. */
export class ModelApprover {
  readonly #from: ClientPorts
  readonly #second: ModelClient
  readonly #orderer: ModelClient
  readonly #thieves: readonly ModelClient[]
  readonly #world: Life = { isOver: false }

  /** @param thieves who have one of the second person's keys, and the orderer's other one */
  constructor(from: ClientPorts, second: ModelClient, orderer: ModelClient, thieves: readonly ModelClient[]) {
    this.#from = from
    this.#second = second
    this.#orderer = orderer
    this.#thieves = thieves
  }

  /** Decides about a payout, some time, or never. */
  decide(payout: PayoutView): void {
    const { chance } = this.#from
    const atMs = chance.happens(0.15) ? approvalExpiresAfterMs + chance.between(-soonMs, soonMs) : chance.between(0, soonMs)
    if (chance.happens(0.3)) this.#later(atMs, () => this.#steal(payout))
    if (chance.happens(0.1)) this.#later(atMs, () => this.#approveOther(payout))
    const words = chance.pick<readonly Word[]>([
      ['approve'], ['approve'], ['approve'], ['approve'], ['approve', 'approve', 'approve'], ['refuse'], ['refuse', 'refuse'],
      ['approve', 'refuse'], ['approve', 'cancel'], ['refuse', 'cancel'], [],
    ])
    // Whoever races is there within a second.
    for (const word of words) this.#later(atMs + chance.between(0, 1_000), () => this.#say(word, payout))
  }

  #later(afterMs: number, say: () => Promise<void>): void {
    const { scheduler, seen } = this.#from
    seen.clients++
    scheduler.start(afterMs, this.#world, async () => {
      await say()
      seen.clients--
    })
  }

  async #say(word: Word, payout: PayoutView): Promise<void> {
    const { seen } = this.#from
    if (word === 'approve') seen.approved.add(payout.id)
    if (word === 'refuse') seen.refused.add(payout.id)
    const said = ({ approve: 'approved', refuse: 'refused', cancel: 'cancelled' } as const satisfies Record<Word, Decision['word']>)[word]
    const reply = await (word === 'cancel' ? this.#orderer : this.#second).insist(requestOf(word, payout))
    if ('answer' in reply) seen.decisions.push({ payment: payout.id, word: said })
    else seen.refusals.set(reply.fault.code, (seen.refusals.get(reply.fault.code) ?? 0) + 1)
  }

  async #steal(payout: PayoutView): Promise<void> {
    const { chance, seen } = this.#from
    const reply = await chance.pick(this.#thieves).insist(requestOf(chance.pick(['approve', 'refuse']), payout))
    if ('answer' in reply) seen.contradictions.push(`${payout.id} was decided by who ordered it`)
  }

  async #approveOther(payout: PayoutView): Promise<void> {
    const reply = await this.#second.insist(requestOf('approve', { ...payout, reference: `${payout.reference}-1` }))
    if ('answer' in reply) this.#from.seen.contradictions.push(`${payout.id} was approved as something else`)
  }
}

function requestOf(word: Word, { id, amount, currency, reference, payee }: PayoutView): ClientRequest {
  const body = word === 'approve' ? approvePayoutSchema.parse({ amount, currency, reference, payee }) : undefined
  return { path: `/v1/payouts/${id}/${word}`, body, isSigned: true }
}

import { z } from 'zod'
import type { Journal } from '../common/journal.ts'
import type { Outcome } from './test-numbers.ts'

const userSchema = z.strictObject({
  kind: z.literal('user'),
  id: z.uuid(),
  subscriptionKey: z.string(),
  callbackHost: z.string(),
  environment: z.string(),
})
const keySchema = z.strictObject({ kind: z.literal('key'), user: z.uuid(), digest: z.string() })
const chargeSchema = z.strictObject({
  kind: z.literal('charge'),
  reference: z.uuid(),
  user: z.uuid(),
  environment: z.string(),
  externalId: z.string(),
  amount: z.string(),
  currency: z.string(),
  payer: z.string(),
  payerMessage: z.string(),
  payeeNote: z.string(),
  callbackUrl: z.string().nullable(),
  takenAtMs: z.int(),
  decidedAtMs: z.int(),
  outcome: z.union([
    z.strictObject({ status: z.literal('SUCCESSFUL') }),
    z.strictObject({ status: z.literal('FAILED'), reason: z.string() }),
  ]),
  financialTransactionId: z.string(),
})
const entrySchema = z.discriminatedUnion('kind', [userSchema, keySchema, chargeSchema])

export type ApiUser = Omit<z.output<typeof userSchema>, 'kind'> & { keyDigest: string | undefined }
export type Charge = Omit<z.output<typeof chargeSchema>, 'kind'>
export type ChargeState = { readonly status: 'PENDING' } | Outcome

type Held = { readonly charge: Charge; readonly durable: Promise<void> }

/**
 * MTN's side of the truth: who may call, and what was charged. A charge's fate is fixed when it is taken and only
 * becomes visible at `decidedAtMs`, so that a restart cannot change it.
 */
export class Books {
  readonly #journal: Journal
  readonly #users = new Map<string, ApiUser>()
  readonly #charges = new Map<string, Held>()

  constructor(journal: Journal, entries: readonly unknown[]) {
    this.#journal = journal
    for (const entry of entries) this.#replay(entrySchema.parse(entry))
  }

  user(id: string): ApiUser | undefined {
    return this.#users.get(id)
  }

  async addUser(user: Omit<ApiUser, 'keyDigest'>): Promise<'added' | 'exists'> {
    if (this.#users.has(user.id)) return 'exists'
    this.#users.set(user.id, { ...user, keyDigest: undefined })
    await this.#journal.append({ kind: 'user', ...user })
    return 'added'
  }

  async setKey(user: ApiUser, digest: string): Promise<void> {
    user.keyDigest = digest
    await this.#journal.append({ kind: 'key', user: user.id, digest })
  }

  /** Resolves once the charge is on the disk; a reference that is here already answers `exists`, also only then. */
  async takeCharge(charge: Charge): Promise<'taken' | 'exists'> {
    const held = this.#charges.get(charge.reference)
    if (held !== undefined) {
      await held.durable
      return 'exists'
    }
    const durable = this.#journal.append({ kind: 'charge', ...charge })
    this.#charges.set(charge.reference, { charge, durable })
    await durable
    return 'taken'
  }

  async charge(reference: string): Promise<Charge | undefined> {
    const held = this.#charges.get(reference)
    await held?.durable
    return held?.charge
  }

  charges(): readonly Charge[] {
    return [...this.#charges.values()].map(({ charge }) => charge)
  }

  #replay(entry: z.output<typeof entrySchema>): void {
    switch (entry.kind) {
      case 'user': {
        const { kind: _, ...user } = entry
        this.#users.set(user.id, { ...user, keyDigest: undefined })
        return
      }
      case 'key': {
        const user = this.#users.get(entry.user)
        if (user !== undefined) user.keyDigest = entry.digest
        return
      }
      case 'charge': {
        const { kind: _, ...charge } = entry
        this.#charges.set(charge.reference, { charge, durable: Promise.resolve() })
        return
      }
      default: entry satisfies never
    }
  }
}

export function stateOf(charge: Charge, nowMs: number): ChargeState {
  return nowMs < charge.decidedAtMs ? { status: 'PENDING' } : charge.outcome
}

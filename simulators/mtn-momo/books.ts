import { z } from 'zod'
import type { Journal } from '../common/journal.ts'
import { majorOf, minorOf } from './minor-units.ts'
import { chargeSchema, movementSchema, stateOf, type Movement } from './movement.ts'
import { operations, products } from './operations.ts'
import type { Outcome } from './test-numbers.ts'
import { Wallets, type Openings } from './wallets.ts'

const userSchema = z.strictObject({
  kind: z.literal('user'),
  id: z.uuid(),
  subscriptionKey: z.string(),
  callbackHost: z.string(),
  environment: z.string(),
  /** Of which product the subscription is; users from before there were two are of any. */
  product: z.enum(products).nullable().default(null),
})
const keySchema = z.strictObject({ kind: z.literal('key'), user: z.uuid(), digest: z.string() })
const floatSchema = z.strictObject({ kind: z.literal('float'), user: z.uuid(), amount: z.string() })
const entrySchema = z.discriminatedUnion('kind', [userSchema, keySchema, floatSchema, movementSchema, chargeSchema])

export type ApiUser = Omit<z.output<typeof userSchema>, 'kind'> & { keyDigest: string | undefined }

type Held = { readonly movement: Movement; readonly durable: Promise<void> }

/**
 * MTN's side of the truth: who may call, what moved, and who holds how much. A movement's fate is fixed when it is taken
 * and only becomes visible at `decidedAtMs`, so that a restart cannot change it.
 */
export class Books {
  readonly #journal: Journal
  readonly #wallets: Wallets
  readonly #users = new Map<string, ApiUser>()
  readonly #movements = new Map<string, Held>()

  constructor(journal: Journal, entries: readonly unknown[], openings: Openings) {
    this.#journal = journal
    this.#wallets = new Wallets(openings)
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

  async topUp(user: ApiUser, amount: string): Promise<void> {
    this.#wallets.topUp(user.id, amount)
    await this.#journal.append({ kind: 'float', user: user.id, amount })
  }

  /** Resolves once the movement is on the disk; a reference that is here already answers `exists`, also only then. */
  async take(asked: Movement): Promise<'exists' | Movement> {
    const held = this.#movements.get(asked.reference)
    if (held !== undefined) {
      await held.durable
      return 'exists'
    }
    const movement = { ...asked, outcome: this.#fateOf(asked) }
    this.#wallets.move(movement)
    const durable = this.#journal.append({ kind: 'movement', ...movement })
    this.#movements.set(movement.reference, { movement, durable })
    await durable
    return movement
  }

  async movement(reference: string): Promise<Movement | undefined> {
    const held = this.#movements.get(reference)
    await held?.durable
    return held?.movement
  }

  movements(): readonly Movement[] {
    return [...this.#movements.values()].map(({ movement }) => movement)
  }

  /** What a user's account of a product holds: what was collected, or the float that is left. */
  balanceOf(user: string, product: (typeof products)[number], nowMs: number): string {
    if (product === 'disbursement') return majorOf(this.#wallets.float(user))
    const collected = this.movements().filter((movement) => movement.user === user
      && operations[movement.operation].product === product && stateOf(movement, nowMs).status === 'SUCCESSFUL')
    return majorOf(collected.reduce((sum, { amount }) => sum + minorOf(amount), 0n))
  }

  #fateOf(movement: Movement): Outcome {
    if (movement.outcome.status === 'FAILED') return movement.outcome
    if (movement.original === null) return this.#wallets.shortOf(movement, undefined) ?? movement.outcome
    const original = this.#movements.get(movement.original)?.movement
    if (original?.environment !== movement.environment) return { status: 'FAILED', reason: 'RESOURCE_NOT_FOUND' }
    if (stateOf(original, movement.takenAtMs).status !== 'SUCCESSFUL') return { status: 'FAILED', reason: 'NOT_ALLOWED' }
    return this.#wallets.shortOf(movement, original) ?? movement.outcome
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
      case 'float': return this.#wallets.topUp(entry.user, entry.amount)
      case 'movement': {
        const { kind: _, ...movement } = entry
        return this.#hold(movement)
      }
      case 'charge': {
        const { kind: _, payer, ...rest } = entry
        return this.#hold({ operation: 'requesttopay', party: payer, original: null, ...rest })
      }
      default: entry satisfies never
    }
  }

  #hold(movement: Movement): void {
    this.#wallets.move(movement)
    this.#movements.set(movement.reference, { movement, durable: Promise.resolve() })
  }
}

import { z } from 'zod'
import type { Journal } from '../common/journal.ts'

const keysSchema = z.strictObject({ kind: z.literal('keys'), messages: z.string(), pinOaep: z.string(), pinPkcs1: z.string() })
const applicationSchema = z.strictObject({
  kind: z.literal('application'),
  clientId: z.string(),
  secretDigest: z.string(),
  country: z.string(),
  pinDigest: z.string(),
  callbackKey: z.string(),
  callbackUrl: z.string().nullable(),
})
const stepSchema = z.strictObject({ atMs: z.int(), status: z.enum(['TS', 'TF', 'TE', 'TA', 'TIP', 'TR']), code: z.string() })
const transactionSchema = z.strictObject({
  kind: z.literal('transaction'),
  product: z.enum(['collection', 'disbursement']),
  id: z.string(),
  application: z.string(),
  country: z.string(),
  currency: z.string(),
  amount: z.string(),
  msisdn: z.string(),
  reference: z.string(),
  airtelMoneyId: z.string(),
  callbackUrl: z.string().nullable(),
  takenAtMs: z.int(),
  steps: z.array(stepSchema).min(1),
})
const reversalSchema = z.strictObject({ kind: z.literal('reversal'), airtelMoneyId: z.string(), atMs: z.int() })
const entrySchema = z.discriminatedUnion('kind', [keysSchema, applicationSchema, transactionSchema, reversalSchema])

export type PrivateKeys = Omit<z.output<typeof keysSchema>, 'kind'>
export type Application = Omit<z.output<typeof applicationSchema>, 'kind'>
export type Transaction = Omit<z.output<typeof transactionSchema>, 'kind'>
export type Step = z.output<typeof stepSchema>

type Held = { readonly transaction: Transaction; reversedAtMs: number | undefined; readonly durable: Promise<void> }

/**
 * Airtel's side of the truth: who may call, with which keys, what was moved and what was given back. What becomes of a
 * transaction is fixed when it is taken and only becomes visible with time, so that a restart cannot change it.
 */
export class Books {
  readonly #journal: Journal
  readonly #applications = new Map<string, Application>()
  readonly #transactions = new Map<string, Held>()
  readonly #byMoneyId = new Map<string, Held>()
  #keys: PrivateKeys | undefined

  constructor(journal: Journal, entries: readonly unknown[]) {
    this.#journal = journal
    for (const entry of entries) this.#replay(entrySchema.parse(entry))
  }

  /** The keys of before, or these from now on. */
  async keys(make: () => PrivateKeys): Promise<PrivateKeys> {
    if (this.#keys !== undefined) return this.#keys
    this.#keys = make()
    await this.#journal.append({ kind: 'keys', ...this.#keys })
    return this.#keys
  }

  application(clientId: string): Application | undefined {
    return this.#applications.get(clientId)
  }

  async addApplication(application: Application): Promise<void> {
    this.#applications.set(application.clientId, application)
    await this.#journal.append({ kind: 'application', ...application })
  }

  /** Resolves once it is on the disk; an id that is here already answers `exists`, also only then. */
  async take(transaction: Transaction): Promise<'taken' | 'exists'> {
    const name = nameOf(transaction)
    const held = this.#transactions.get(name)
    if (held !== undefined) {
      await held.durable
      return 'exists'
    }
    const durable = this.#journal.append({ kind: 'transaction', ...transaction })
    this.#hold(transaction, durable)
    await durable
    return 'taken'
  }

  async find(key: Pick<Transaction, 'application' | 'product' | 'id'>): Promise<Transaction | undefined> {
    const held = this.#transactions.get(nameOf(key))
    await held?.durable
    return held?.transaction
  }

  byMoneyId(application: string, airtelMoneyId: string): Transaction | undefined {
    const transaction = this.#byMoneyId.get(airtelMoneyId)?.transaction
    return transaction?.application === application ? transaction : undefined
  }

  isReversed({ airtelMoneyId }: Transaction): boolean {
    return this.#byMoneyId.get(airtelMoneyId)?.reversedAtMs !== undefined
  }

  /** Gives a collection back from then on; only once. */
  async reverse(airtelMoneyId: string, atMs: number): Promise<'reversed' | 'before'> {
    const held = this.#byMoneyId.get(airtelMoneyId)
    if (held === undefined || held.reversedAtMs !== undefined) return 'before'
    held.reversedAtMs = atMs
    await this.#journal.append({ kind: 'reversal', airtelMoneyId, atMs })
    return 'reversed'
  }

  /** The state that shows at this time: the last step that has come, and before all in progress. */
  stateOf(transaction: Transaction, nowMs: number): Pick<Step, 'status' | 'code'> {
    const reversedAtMs = this.#byMoneyId.get(transaction.airtelMoneyId)?.reversedAtMs
    const last = transaction.steps.findLast(({ atMs }) => atMs <= nowMs)
    if (reversedAtMs !== undefined && reversedAtMs <= nowMs) return { status: 'TR', code: last?.code ?? inProgress[transaction.product] }
    return last ?? { status: 'TIP', code: inProgress[transaction.product] }
  }

  transactions(): readonly Transaction[] {
    return [...this.#transactions.values()].map(({ transaction }) => transaction)
  }

  #hold(transaction: Transaction, durable: Promise<void>): void {
    const held: Held = { transaction, reversedAtMs: undefined, durable }
    this.#transactions.set(nameOf(transaction), held)
    this.#byMoneyId.set(transaction.airtelMoneyId, held)
  }

  #replay(entry: z.output<typeof entrySchema>): void {
    const { kind: _, ...rest } = entry
    switch (entry.kind) {
      case 'keys': this.#keys = rest as PrivateKeys; return
      case 'application': this.#applications.set(entry.clientId, rest as Application); return
      case 'transaction': this.#hold(rest as Transaction, Promise.resolve()); return
      case 'reversal': {
        const held = this.#byMoneyId.get(entry.airtelMoneyId)
        if (held !== undefined) held.reversedAtMs = entry.atMs
        return
      }
      default: entry satisfies never
    }
  }
}

const inProgress = { collection: 'DP00800001006', disbursement: 'DP00900001006' } as const

function nameOf({ application, product, id }: Pick<Transaction, 'application' | 'product' | 'id'>): string {
  return `${application} ${product} ${id}`
}

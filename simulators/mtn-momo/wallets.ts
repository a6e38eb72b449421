import { minorOf } from './minor-units.ts'
import type { Movement } from './movement.ts'
import { operations } from './operations.ts'
import type { Outcome } from './test-numbers.ts'

/** What accounts hold before anything moved, in major units. */
export type Openings = { readonly wallet: string; readonly float: string }

/**
 * Who holds how much: every number a wallet, every API user of the disbursement product a float. A movement that will
 * succeed is taken out of its source at once, so that what is promised twice is there twice.
 */
export class Wallets {
  readonly #openings: { readonly wallet: bigint; readonly float: bigint }
  readonly #changed = new Map<string, bigint>()
  /** What was given back of a request to pay, by its reference. */
  readonly #refunded = new Map<string, bigint>()

  constructor(openings: Openings) {
    this.#openings = { wallet: minorOf(openings.wallet), float: minorOf(openings.float) }
  }

  float(user: string): bigint {
    return this.#held(`float:${user}`)
  }

  topUp(user: string, amount: string): void {
    this.#add(`float:${user}`, minorOf(amount))
  }

  /** @returns the failure that the movement ends with for want of money, or `undefined` where there is enough */
  shortOf(movement: Movement, original: Movement | undefined): Outcome | undefined {
    const amount = minorOf(movement.amount)
    if (original !== undefined) {
      const remainder = minorOf(original.amount) - (this.#refunded.get(original.reference) ?? 0n)
      if (amount > remainder) return { status: 'FAILED', reason: 'NOT_ALLOWED' }
    }
    return amount > this.#held(sourceOf(movement)) ? { status: 'FAILED', reason: 'NOT_ENOUGH_FUNDS' } : undefined
  }

  /** Moves the money of what succeeds. */
  move(movement: Movement): void {
    if (movement.outcome.status !== 'SUCCESSFUL') return
    const amount = minorOf(movement.amount)
    this.#add(sourceOf(movement), -amount)
    if (movement.operation !== 'requesttopay') this.#add(walletOf(movement), amount)
    if (movement.original !== null) this.#refunded.set(movement.original, (this.#refunded.get(movement.original) ?? 0n) + amount)
  }

  #held(account: string): bigint {
    return (this.#changed.get(account) ?? 0n) + (account.startsWith('float:') ? this.#openings.float : this.#openings.wallet)
  }

  #add(account: string, minor: bigint): void {
    this.#changed.set(account, (this.#changed.get(account) ?? 0n) + minor)
  }
}

function sourceOf(movement: Movement): string {
  return operations[movement.operation].product === 'collection' ? walletOf(movement) : `float:${movement.user}`
}

function walletOf({ environment, party }: Movement): string {
  return `wallet:${environment}:${party}`
}

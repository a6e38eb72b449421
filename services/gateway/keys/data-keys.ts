import { makeDataKey, type DataKey } from '@ngome/envelope'
import type { RetentionClass } from '@ngome/contracts'
import type { Clock, MerchantKeyId, Random, SignerId, Tenant } from '@ngome/kernel'
import type { KeyObject } from 'node:crypto'
import { tenantText, type MerchantStatements } from './merchant-statements.ts'

export type Signer = { readonly id: SignerId; readonly privateKey: KeyObject }

/** Where a data key's sealed form is kept; it is committed before the first record uses the key. */
export type DataKeyStore = { insert(dataKey: DataKey, retention: RetentionClass): Promise<void> }

/** Keys in memory: at most this many tenants times classes write within one period. */
const keysMax = 32_768

type Held = { readonly dataKey: DataKey; readonly merchantKey: MerchantKeyId; readonly endsAtMs: number }

/**
 * The data keys of this period: one for each tenant and retention class. A period is counted from the start of the
 * process, so that no key outlives the moment at which the launcher replaces it; a key also ends with its merchant key.
 */
export class DataKeys {
  readonly #statements: MerchantStatements
  readonly #store: DataKeyStore
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #random: Random
  readonly #periodMs: number
  readonly #startedAtMs: number
  readonly #held = new Map<string, Held>()
  readonly #making = new Map<string, Promise<DataKey>>()

  constructor(from: {
    readonly statements: MerchantStatements; readonly store: DataKeyStore; readonly signer: Signer
    readonly clock: Clock; readonly random: Random; readonly periodMs: number
  }) {
    this.#statements = from.statements
    this.#store = from.store
    this.#signer = from.signer
    this.#clock = from.clock
    this.#random = from.random
    this.#periodMs = from.periodMs
    this.#startedAtMs = from.clock.nowMs()
  }

  /** The key that seals now; made where there is none, once, however many records wait for it. */
  current(tenant: Tenant, retention: RetentionClass): DataKey | Promise<DataKey> {
    const name = `${tenantText(tenant)}/${retention}`
    const held = this.#held.get(name)
    if (held !== undefined && this.#clock.nowMs() < held.endsAtMs) return held.dataKey
    const running = this.#making.get(name)
    if (running !== undefined) return running
    const making = this.#make(name, tenant, retention).finally(() => this.#making.delete(name))
    this.#making.set(name, making)
    return making
  }

  /**
   * Lets go of data keys that were sealed to merchant keys which are published no more: the next record gets a new one.
   * @param tenants whose; everybody's where it is left out
   * @returns how many
   */
  forgetReplaced(tenants?: readonly Tenant[]): number {
    const names = tenants === undefined ? undefined : new Set(tenants.map(tenantText))
    let forgotten = 0
    for (const [name, { dataKey, merchantKey }] of this.#held) {
      const isAsked = names?.has(tenantText(dataKey.tenant)) ?? true
      if (!isAsked || this.#statements.isPublished(dataKey.tenant, merchantKey)) continue
      this.#held.delete(name)
      forgotten++
    }
    return forgotten
  }

  async #make(name: string, tenant: Tenant, retention: RetentionClass): Promise<DataKey> {
    const statement = await this.#statements.current(tenant, retention)
    const dataKey = await makeDataKey({ statement, signer: this.#signer, clock: this.#clock, random: this.#random })
    await this.#store.insert(dataKey, retention)
    this.#forgetEnded()
    const endsAtMs = Math.min(this.#periodEndMs(dataKey.createdAtMs), statement.notAfterMs)
    this.#held.set(name, { dataKey, merchantKey: statement.keyId, endsAtMs })
    return dataKey
  }

  #periodEndMs(atMs: number): number {
    // A clock that went back must not give a longer period than a whole one.
    const elapsedMs = Math.max(0, atMs - this.#startedAtMs)
    return atMs + this.#periodMs - elapsedMs % this.#periodMs
  }

  #forgetEnded(): void {
    const nowMs = this.#clock.nowMs()
    for (const [name, held] of this.#held) {
      if (held.endsAtMs <= nowMs || this.#held.size >= keysMax) this.#held.delete(name)
    }
  }
}

import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type { ApiKeyRows } from './authenticate.ts'
import type { ProvenApiKey } from './prove-api-key.ts'

/** Rows in memory, about 3 kB each with their sets of scopes and origins (`npm run bench -- keys`). */
const rowsMax = 10_000

/** What a revocation is about: one key, or all keys of a merchant. */
export type AccessChange = { readonly apiKey: ApiKeyId | null; readonly merchant: MerchantId }

/**
 * API key rows in memory. A row that was being read while a revocation came is used once and not kept: it may be from
 * before.
 */
export class ApiKeyCache implements ApiKeyRows {
  readonly #find: (id: ApiKeyId) => Promise<ProvenApiKey | undefined>
  readonly #rows = new Map<ApiKeyId, ProvenApiKey>()
  // Bounded by what `find` lets wait. Only readings that began after the last revocation: older ones are not joined.
  readonly #underWay = new Map<ApiKeyId, Promise<ProvenApiKey | undefined>>()
  #generation = 0

  constructor(find: (id: ApiKeyId) => Promise<ProvenApiKey | undefined>) {
    this.#find = find
  }

  cached(id: ApiKeyId): ProvenApiKey | undefined {
    return this.#rows.get(id)
  }

  async load(id: ApiKeyId): Promise<ProvenApiKey | undefined> {
    const generation = this.#generation
    const row = await this.#read(id)
    // A revocation passed while this was on its way: read again, from after it.
    if (generation !== this.#generation) return this.#read(id)
    // Unknown ids are not kept: they are whatever an attacker makes up.
    if (row !== undefined) this.#keep(row)
    return row
  }

  /** Forgets the rows that a revocation touched, before the lease is renewed. */
  forget(changes: readonly AccessChange[]): void {
    this.#generation++
    this.#underWay.clear()
    for (const change of changes) {
      if (change.apiKey !== null) this.#rows.delete(change.apiKey)
      else for (const [id, row] of this.#rows) if (row.tenant.merchant === change.merchant) this.#rows.delete(id)
    }
  }

  /** Forgets every row: what they hang on changed. */
  forgetAll(): void {
    this.forget([])
    this.#rows.clear()
  }

  /** Requests that look for the same key at the same time read it once. */
  #read(id: ApiKeyId): Promise<ProvenApiKey | undefined> {
    const known = this.#underWay.get(id)
    if (known !== undefined) return known
    const generation = this.#generation
    const reading = this.#find(id)
    if (generation !== this.#generation) return reading
    this.#underWay.set(id, reading)
    const end = (): void => {
      if (this.#underWay.get(id) === reading) this.#underWay.delete(id)
    }
    reading.then(end, end)
    return reading
  }

  #keep(row: ProvenApiKey): void {
    if (this.#rows.size >= rowsMax) {
      const [oldest] = this.#rows.keys()
      if (oldest !== undefined) this.#rows.delete(oldest)
    }
    this.#rows.set(row.id, row)
  }
}

import type { ApiKeyId, MerchantId } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'
import type { ApiKeyRows } from './authenticate.ts'

/** Rows in memory, about 300 bytes each. */
const rowsMax = 10_000

/** What a revocation is about: one key, or all keys of a merchant. */
export type AccessChange = { readonly apiKey: ApiKeyId | null; readonly merchant: MerchantId }

/**
 * API key rows in memory. A row that was being read while a revocation came is used once and not kept: it may be from
 * before.
 */
export class ApiKeyCache implements ApiKeyRows {
  readonly #find: (id: ApiKeyId) => Promise<ApiKeyRow | undefined>
  readonly #rows = new Map<ApiKeyId, ApiKeyRow>()
  #generation = 0

  constructor(find: (id: ApiKeyId) => Promise<ApiKeyRow | undefined>) {
    this.#find = find
  }

  cached(id: ApiKeyId): ApiKeyRow | undefined {
    return this.#rows.get(id)
  }

  async load(id: ApiKeyId): Promise<ApiKeyRow | undefined> {
    const generation = this.#generation
    const row = await this.#find(id)
    // A revocation passed while this was on its way: read again, from after it.
    if (generation !== this.#generation) return this.#find(id)
    // Unknown ids are not kept: they are whatever an attacker makes up.
    if (row !== undefined) this.#keep(row)
    return row
  }

  /** Forgets the rows that a revocation touched, before the lease is renewed. */
  forget(changes: readonly AccessChange[]): void {
    this.#generation++
    for (const change of changes) {
      if (change.apiKey !== null) this.#rows.delete(change.apiKey)
      else for (const [id, row] of this.#rows) if (row.tenant.merchant === change.merchant) this.#rows.delete(id)
    }
  }

  #keep(row: ApiKeyRow): void {
    if (this.#rows.size >= rowsMax) {
      const [oldest] = this.#rows.keys()
      if (oldest !== undefined) this.#rows.delete(oldest)
    }
    this.#rows.set(row.id, row)
  }
}

import type { MerchantId, MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import type { ProvenMerchantKey } from '@ngome/signatures'

/** Keys in memory, about a kilobyte each. */
const keysMax = 10_000

/** Reads a key and proves it. @returns `undefined` where there is none that counts */
export type ReadMerchantKey = (tenant: Tenant, id: MerchantSigningKeyId) => Promise<ProvenMerchantKey | undefined>

/** Merchants' proven public keys in memory, under the same lease as API keys. */
export class MerchantKeys {
  readonly #read: ReadMerchantKey
  readonly #nowMs: () => number
  readonly #keys = new Map<MerchantSigningKeyId, ProvenMerchantKey>()
  #generation = 0

  constructor(from: { readonly read: ReadMerchantKey; readonly nowMs: () => number }) {
    this.#read = from.read
    this.#nowMs = from.nowMs
  }

  /** The key where it is this tenant's and its time is not over. @throws Fault `store/unavailable` */
  async find(tenant: Tenant, id: MerchantSigningKeyId): Promise<ProvenMerchantKey | undefined> {
    const key = this.#keys.get(id) ?? await this.#load(tenant, id)
    const isOwn = key?.tenant.merchant === tenant.merchant && key.tenant.world === tenant.world
    return isOwn && key.expiresAtMs > this.#nowMs() ? key : undefined
  }

  /** Forgets the keys of merchants of whom something was revoked, before the lease is renewed. */
  forget(changes: readonly { readonly merchant: MerchantId }[]): void {
    this.#generation++
    const touched = new Set(changes.map(({ merchant }) => merchant))
    for (const [id, { tenant }] of this.#keys) if (touched.has(tenant.merchant)) this.#keys.delete(id)
  }

  async #load(tenant: Tenant, id: MerchantSigningKeyId): Promise<ProvenMerchantKey | undefined> {
    const generation = this.#generation
    const key = await this.#read(tenant, id)
    // A revocation passed while this was on its way: read again, from after it, and keep it another time.
    if (generation !== this.#generation) return this.#read(tenant, id)
    // Unknown ids are not kept: they are whatever a caller makes up.
    if (key !== undefined) this.#keep(key)
    return key
  }

  #keep(key: ProvenMerchantKey): void {
    const [oldest] = this.#keys.keys()
    if (this.#keys.size >= keysMax && oldest !== undefined) this.#keys.delete(oldest)
    this.#keys.set(key.id, key)
  }
}

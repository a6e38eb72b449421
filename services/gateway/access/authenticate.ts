import { apiKeyVerifier, parseApiKey, type ParsedApiKey } from '@ngome/access'
import { equalsInConstantTime, Fault, type ApiKeyId, type MerchantId, type Secret } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'
import type { AuthenticatedCaller } from '../http/call.ts'

export type ApiKeyRows = {
  /** The row where it is in memory. */
  cached(id: ApiKeyId): ApiKeyRow | undefined
  /** The row from the database, `undefined` where there is none. */
  load(id: ApiKeyId): Promise<ApiKeyRow | undefined>
}

const scheme = 'Bearer '
/** Stands for a row that does not exist, so that its check costs what a real one costs. */
const nobody: Pick<ApiKeyRow, 'tenant' | 'verifier'> = {
  tenant: { merchant: 'mer_00000000000000000000000000' as MerchantId, world: 'test' },
  verifier: new Uint8Array(32),
}

/** Checks the API key of each request. */
export class Authenticator {
  readonly #peppers: ReadonlyMap<number, Secret<Uint8Array>>
  readonly #somePepper: Secret<Uint8Array>
  readonly #rows: ApiKeyRows
  readonly #lease: { readonly isHeld: boolean }
  // The digest that a row's key was proven with; it goes with its row, so a revocation forgets it too.
  readonly #proven = new WeakMap<ApiKeyRow, Uint8Array>()

  constructor(from: {
    /** By version: a row says under which it was made. */
    readonly peppers: ReadonlyMap<number, Secret<Uint8Array>>
    readonly rows: ApiKeyRows
    readonly lease: { readonly isHeld: boolean }
  }) {
    const [some] = from.peppers.values()
    if (some === undefined) throw new TypeError('API keys cannot be checked without a pepper')
    this.#peppers = from.peppers
    this.#somePepper = some
    this.#rows = from.rows
    this.#lease = from.lease
  }

  /**
   * Whose key it is. Whatever is wrong with a key, the answer is the same.
   * @throws Fault `access/unauthenticated`, `access/merchant_frozen`, or `access/lease_lost` where we do not know what
   * was revoked
   */
  authenticate(authorization: string | undefined): AuthenticatedCaller | Promise<AuthenticatedCaller> {
    if (!this.#lease.isHeld) throw new Fault('access/lease_lost', 'the revocation counter was not read in time')
    const key = authorization?.startsWith(scheme) === true ? parseApiKey(authorization.slice(scheme.length)) : undefined
    if (key === undefined) throw new Fault('access/unauthenticated', 'no key in its form')
    const row = this.#rows.cached(key.id)
    if (row === undefined) return this.#load(key)
    const proven = this.#proven.get(row)
    // The same digest under the same row was verified before; a digest of 256 random bits is nothing to try out.
    return proven !== undefined && equalsInConstantTime(proven, key.digest) ? this.#admit(row) : this.#check(key, row)
  }

  async #load(key: ParsedApiKey): Promise<AuthenticatedCaller> {
    return this.#check(key, await this.#rows.load(key.id))
  }

  #check(key: ParsedApiKey, row: ApiKeyRow | undefined): AuthenticatedCaller {
    const { tenant, verifier } = row ?? nobody
    const pepper = row === undefined ? this.#somePepper : this.#peppers.get(row.pepperVersion)
    const expected = apiKeyVerifier(pepper ?? this.#somePepper, { ...key, tenant })
    const isRight = equalsInConstantTime(expected, verifier) && pepper !== undefined
    // One condition, after the work: unknown, wrong, of the other world and revoked take the same way out.
    if (!isRight || row === undefined || row.isRevoked || key.world !== tenant.world) {
      throw new Fault('access/unauthenticated', `key ${key.id} was not accepted`)
    }
    this.#proven.set(row, key.digest)
    return this.#admit(row)
  }

  #admit({ id, tenant, isMerchantFrozen }: ApiKeyRow): AuthenticatedCaller {
    if (isMerchantFrozen) throw new Fault('access/merchant_frozen', `${tenant.merchant} is frozen`)
    return { tenant, apiKey: id } as AuthenticatedCaller
  }
}

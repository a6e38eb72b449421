import { apiKeyDigestText, readApiKey, type ParsedApiKey } from '@ngome/access'
import { Fault, textsEqualInConstantTime, type ApiKeyId, type Clock, type Secret } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { ProvenApiKey } from './prove-api-key.ts'
import { verifiesKey } from './verify-key.ts'

export type ApiKeyRows = {
  /** The row where it is in memory. */
  cached(id: ApiKeyId): ProvenApiKey | undefined
  /** The row from the database, `undefined` where there is none. */
  load(id: ApiKeyId): Promise<ProvenApiKey | undefined>
}

/** The peppers by version: a row says under which it was made. */
export type ApiKeyPeppers = {
  get(version: number): Secret<Uint8Array> | undefined
  readonly some: Secret<Uint8Array>
  /** Asks for those that came meanwhile. @throws Fault `custodian/unavailable` */
  learn(): Promise<void>
}

const scheme = 'Bearer '
/** The right to believe what is in memory; `whenHeld` waits, within bounds, where it has ended and may be renewed. */
export type Lease = { readonly isHeld: boolean; whenHeld(): Promise<boolean> }

/** A digest that was verified under a row. A row counts while it is the one in memory: a revocation undoes this as well. */
type Proof = { readonly digest: string; readonly row: ProvenApiKey }
/** Where a connection keeps what it proved last, while it is open: never the key itself. */
const kept = Symbol('what it proved last')
type ReadApiKey = ReturnType<typeof readApiKey>
type Connection = { [kept]?: Proof }

/** Checks the API key of each request. */
export class Authenticator {
  readonly #peppers: ApiKeyPeppers
  readonly #rows: ApiKeyRows
  readonly #lease: Lease
  readonly #clock: Clock
  readonly #onProven: (key: ParsedApiKey, row: ProvenApiKey) => void
  readonly #onRefused: (row: ProvenApiKey | undefined, connection: object) => void

  constructor(from: {
    readonly peppers: ApiKeyPeppers
    readonly rows: ApiKeyRows
    readonly lease: Lease
    readonly clock: Clock
    /** Hears of each key that was proven anew. */
    readonly onProven?: (key: ParsedApiKey, row: ProvenApiKey) => void
    /** Hears of each key that was not accepted, with the row that it named where there is one. */
    readonly onRefused?: (row: ProvenApiKey | undefined, connection: object) => void
  }) {
    this.#peppers = from.peppers
    this.#onProven = from.onProven ?? (() => undefined)
    this.#onRefused = from.onRefused ?? (() => undefined)
    this.#rows = from.rows
    this.#lease = from.lease
    this.#clock = from.clock
  }

  /**
   * Whose key it is. Whatever is wrong with a key, the answer is the same.
   * @param connection on which the same key comes again as a rule, and then needs no second verification
   * @throws Fault `access/unauthenticated`, `access/merchant_frozen`, `access/lease_lost` where we do not know what was
   * revoked, or `custodian/unavailable` where it is of a pepper that we do not have and cannot get
   */
  authenticate(authorization: string | undefined, connection: object): AuthenticatedCaller | Promise<AuthenticatedCaller> {
    return this.#lease.isHeld ? this.#recognise(authorization, connection) : this.#afterLease(authorization, connection)
  }

  /**
   * Whom a key stands for without being shown, since somebody acts by what was made with it, such as a link: refused where its own
   * requests would be.
   * @throws Fault `access/unauthenticated`, `access/merchant_frozen`, `access/lease_lost`, `store/unavailable`
   */
  async standsFor(id: ApiKeyId): Promise<AuthenticatedCaller> {
    if (!this.#lease.isHeld && !await this.#lease.whenHeld()) throw new Fault('access/lease_lost', 'the revocation counter was not read in time')
    const row = this.#rows.cached(id) ?? await this.#rows.load(id)
    if (row === undefined || row.isRevoked || this.#isOver(row)) throw new Fault('access/unauthenticated', `key ${id} is no more`)
    return this.#admit(row)
  }

  async #afterLease(authorization: string | undefined, connection: Connection): Promise<AuthenticatedCaller> {
    if (!await this.#lease.whenHeld()) throw new Fault('access/lease_lost', 'the revocation counter was not read in time')
    return this.#recognise(authorization, connection)
  }

  #recognise(authorization: string | undefined, connection: Connection): AuthenticatedCaller | Promise<AuthenticatedCaller> {
    const text = authorization?.startsWith(scheme) === true ? authorization.slice(scheme.length) : ''
    const { [kept]: proof } = connection
    if (proof !== undefined && this.#isProven(text, proof)) return this.#admit(proof.row)
    const read = readApiKey(text)
    // Looked for in any case: a look into memory would tell a text that is no key from one that is.
    const row = this.#rows.cached(read.key.id)
    if (!read.isKey) return this.#check(read, undefined, connection)
    return row === undefined || this.#peppers.get(row.pepperVersion) === undefined ? this.#load(read, connection) : this.#check(read, row, connection)
  }

  #isProven(text: string, { digest, row }: Proof): boolean {
    return this.#rows.cached(row.id) === row && textsEqualInConstantTime(digest, apiKeyDigestText(text)) && !this.#isOver(row)
  }

  #isOver({ settings: { expiresAtMs } }: ProvenApiKey): boolean {
    return expiresAtMs !== null && this.#clock.nowMs() >= expiresAtMs
  }

  async #load(read: ReadApiKey, connection: Connection): Promise<AuthenticatedCaller> {
    const row = await this.#rows.load(read.key.id)
    // Its proof says that there is such a pepper, or was: nobody makes us ask with a number that he invents.
    if (row !== undefined && this.#peppers.get(row.pepperVersion) === undefined) await this.#peppers.learn()
    return this.#check(read, row, connection)
  }

  #check({ key, digestText }: ReadApiKey, row: ProvenApiKey | undefined, connection: Connection): AuthenticatedCaller {
    const isRight = verifiesKey(key, row, this.#peppers)
    // One condition, after the work: unknown, wrong, of the other world or kind, revoked and ended take the same way out.
    if (!isRight || row === undefined || row.isRevoked || key.world !== row.tenant.world || key.kind !== row.settings.kind || this.#isOver(row)) {
      // Called for a key that there is not as well: whether there is one takes no longer and shows nowhere.
      this.#onRefused(row, connection)
      throw new Fault('access/unauthenticated', `key ${key.id} was not accepted`)
    }
    connection[kept] = { digest: digestText, row }
    this.#onProven(key, row)
    return this.#admit(row)
  }

  #admit(row: ProvenApiKey): AuthenticatedCaller {
    if (row.isMerchantFrozen) throw new Fault('access/merchant_frozen', `${row.tenant.merchant} is frozen`)
    return row.caller ??= callerOf(row)
  }
}

function callerOf({ id, tenant, settings, mayCallFrom, origins, isVaultPlaintextAllowed, restriction }: ProvenApiKey): AuthenticatedCaller {
  const { kind, scopes, caps, mustSign } = settings
  const caller = { meters: undefined, tenant, apiKey: id, kind, scopes, caps, mustSign, mayCallFrom, origins, isVaultPlaintextAllowed }
  return (restriction === undefined ? caller : { ...caller, restriction }) as AuthenticatedCaller
}

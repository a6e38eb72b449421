import type { KeyObject } from 'node:crypto'
import { isProvenApiKey, keySettingsJson, type ParsedApiKey } from '@ngome/access'
import type { CustodianResponse } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url, type ApiKeyId } from '@ngome/kernel'
import type { CustodianClient, Logger } from '@ngome/runtime'
import type { ProvenApiKey } from './prove-api-key.ts'

/** What stands in the database of a key, or is to. */
type Kept = Pick<ProvenApiKey, 'id' | 'tenant' | 'pepperVersion' | 'verifier' | 'settings' | 'proof'>
type Work = { readonly kept: Kept; readonly digest: Uint8Array }
type Statement = CustodianResponse<'/v1/api-key-verifier'>

/** Keys that wait; more come again with their next use. */
const waitingMax = 256
/** Keys that were shown to the custodian; past this they are shown again, which does no harm. */
const shownMax = 10_000
/** Where the custodian or the database is away, keys wait for their next use after this. */
const pauseMs = 30_000

type Ports = {
  readonly peppers: { readonly isRotating: boolean }
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly statementKey: KeyObject
  /** @returns whether this changed the row */
  readonly write: (key: Kept & { readonly fromProof: Uint8Array }) => Promise<boolean>
  /** Forgets the row in memory. */
  readonly forget: (row: Kept) => void
  readonly monotonicMs: () => number
  readonly logger: Logger
}

/**
 * Moves keys to the newest pepper when they are used: shows each to the custodian once while there is more than one
 * pepper, writes what it answers, and shows that it was written. All of it beside the requests, one key at a time; what
 * fails is done at a later use.
 */
export class MovingKeys {
  readonly #ports: Ports
  readonly #shown = new Set<ApiKeyId>()
  readonly #waiting: Work[] = []
  #isWorking = false
  #pausedUntilMs = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Hears of a key that was just proven. */
  used({ digest }: ParsedApiKey, row: ProvenApiKey): void {
    const { peppers, monotonicMs } = this.#ports
    if (!peppers.isRotating || this.#shown.has(row.id) || this.#waiting.length >= waitingMax) return
    if (monotonicMs() < this.#pausedUntilMs) return
    if (this.#shown.size >= shownMax) this.#shown.clear()
    this.#shown.add(row.id)
    this.#waiting.push({ kept: row, digest })
    if (!this.#isWorking) void this.#work()
  }

  /** Peppers came or went: every key is shown again. */
  startOver(): void {
    this.#shown.clear()
  }

  async #work(): Promise<void> {
    const { logger, monotonicMs } = this.#ports
    this.#isWorking = true
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      try {
        await this.#move(work)
      } catch (err) {
        logger.warn({ err, key: work.kept.id }, 'a key could not be moved to the newest pepper; it works as before')
        // What it refuses it would refuse again; everything else passes.
        if (err instanceof Fault && err.code === 'custodian/refused') continue
        this.#pausedUntilMs = monotonicMs() + pauseMs
        for (const { kept } of [work, ...this.#waiting.splice(0)]) this.#shown.delete(kept.id)
      }
    }
    this.#isWorking = false
  }

  async #move({ kept, digest }: Work): Promise<void> {
    const { write, forget } = this.#ports
    const statement = await this.#show(kept, digest)
    if (statement === null) return
    const moved = this.#provenStatement(kept, statement)
    const isWritten = await write({ ...moved, fromProof: kept.proof })
    forget(kept)
    if (isWritten) await this.#show(moved, digest)
    // Another gateway was first, and may have ended before it showed what it wrote: the next use does.
    else this.#shown.delete(kept.id)
  }

  async #show({ id, tenant, pepperVersion, verifier, settings, proof }: Kept, digest: Uint8Array): Promise<Statement | null> {
    const { statement } = await this.#ports.custodian.call('/v1/rehash-api-key', {
      ...tenant, key: id, pepperVersion, verifier: toBase64Url(verifier), proof: toBase64Url(proof), digest: toBase64Url(digest),
      settings: keySettingsJson(settings),
    })
    return statement
  }

  /** Checked before it is written: a row that does not hold would end the key. */
  #provenStatement(kept: Kept, statement: Statement): Kept {
    const [verifier, proof] = [parseBase64Url(statement.verifier), parseBase64Url(statement.proof)]
    const isLater = statement.pepperVersion > kept.pepperVersion
    if (verifier !== undefined && proof !== undefined && isLater) {
      const moved = { ...kept, verifier, proof, pepperVersion: statement.pepperVersion }
      if (isProvenApiKey(moved, proof, this.#ports.statementKey)) return moved
    }
    throw new Fault('custodian/unavailable', `the custodian answered no statement of ${kept.id}`)
  }
}

import type { KeyObject } from 'node:crypto'
import { emit, type PinSet } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import { readPinSet, type Logger } from '@ngome/runtime'
import { appendPlatformEvent, type Database, type PinSetRow } from '@ngome/store'

/** Anybody may ask, as often as he likes: the database is asked this rarely. */
const keptMs = 10_000

export type ProvenPinSet = { readonly set: PinSet; readonly statement: string }
type Ports = {
  readonly find: () => Promise<PinSetRow | undefined>
  readonly statementKey: KeyObject
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
}

/** The newest pin set that the custodian signed, kept for a moment. A row that it did not sign is not served, and an alarm. */
export class PinSets {
  readonly #ports: Ports
  #kept: { readonly atMs: number; readonly found: Promise<ProvenPinSet | undefined> } | undefined
  #toldVersion = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** @throws Fault `store/unavailable` */
  newest(): Promise<ProvenPinSet | undefined> {
    const nowMs = this.#ports.monotonicMs()
    if (this.#kept === undefined || nowMs - this.#kept.atMs >= keptMs) {
      const kept = this.#kept = { atMs: nowMs, found: this.#read() }
      kept.found.catch(() => {
        if (this.#kept === kept) this.#kept = undefined
      })
    }
    return this.#kept.found
  }

  async #read(): Promise<ProvenPinSet | undefined> {
    const row = await this.#ports.find()
    if (row === undefined) return undefined
    const set = readPinSet(row.statement, this.#ports.statementKey)
    if (set !== undefined && set.version === row.version) return { set, statement: row.statement }
    if (row.version !== this.#toldVersion) this.#raiseAlarm(row.version)
    this.#toldVersion = row.version
    return undefined
  }

  #raiseAlarm(version: number): void {
    const { database, clock, random, logger } = this.#ports
    logger.error({ version, alarm: true }, 'a pin set is not what the custodian signed; it is not served')
    const event = emit({ clock, random, process: 'gateway' }, 'tls.pins_unproven', null, { version })
    void appendPlatformEvent(database, event).catch((err: unknown) => logger.error({ err }, 'the event of an unproven pin set could not be kept'))
  }
}

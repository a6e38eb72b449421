import { hash } from 'node:crypto'
import { amountBucket } from '@ngome/behaviour'
import type { ApiKeyId, Clock, Money, Random, RequestId, Tenant } from '@ngome/kernel'
import type { OperationName } from '../api/operations.ts'
import { agentsMax, addressesMax, amountsMax, keysMax, linesMax, linesPerKeyMax, otherValue } from './bounds.ts'
import { DistinctSketch } from './distinct-sketch.ts'

/** What a handler says of the payment that it accepted. */
export type PaymentNote = { readonly money: Money; readonly payer: string }
/** Whose key a request named, whether or not it proved it. */
export type NamedKey = { readonly apiKey: ApiKeyId; readonly tenant: Tenant }
/** What the recorder needs of a request. */
export type HeardRequest = {
  readonly requestId: RequestId
  readonly url?: string | undefined
  readonly faultCode: string | null
  readonly caller: NamedKey | null
  readonly payment?: PaymentNote | undefined
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: { readonly 'user-agent'?: string | undefined }
}

/** What was counted of one operation of a key. */
export type OperationCounts = {
  requests: number; refused: number; failed: number; notFound: number; missedIds: number; payers: number
  unauthenticated: number; unlogged: number; latencyUs: number; latencyMaxUs: number
}
/** What was heard of one key within a minute, since it was last taken. */
export type KeyMinute = NamedKey & {
  readonly minuteMs: number
  readonly operations: Map<OperationName, OperationCounts>
  readonly addresses: Map<string, number>
  readonly agents: Map<string, number>
  readonly amounts: Map<string, { requests: number; minor: bigint }>
  lines: number
}
export type HeardLine = NamedKey & {
  readonly id: RequestId
  readonly atMs: number
  readonly operation: OperationName
  readonly status: number
  readonly fault: string | null
  readonly latencyUs: number
  readonly address: string | undefined
  readonly agent: string | undefined
}
export type Heard = { readonly minutes: readonly KeyMinute[]; readonly lines: readonly HeardLine[]; readonly lost: number }

export const minuteMs = 60_000
const serverFailures = 500
const refusals = 400
const notFound = 404
/** Length of the secret that ids and payers are told apart with, for as long as this process lives. */
const secretBytes = 32

type Sketches = { minuteMs: number; readonly missed: DistinctSketch; readonly payers: DistinctSketch }

/**
 * Counts what every key does, in memory that has a bound whatever comes. Only callers that were proven, and keys that were
 * named and exist, have an entry; nothing here waits, and nothing is written until somebody takes it.
 */
export class UsageRecorder {
  readonly #clock: Clock
  readonly #secret: string
  #minutes = new Map<ApiKeyId, KeyMinute>()
  /** Minutes of a key that has another one now, by key and minute: a clock that was set back comes by them again. */
  #closed = new Map<string, KeyMinute>()
  #lines: HeardLine[] = []
  #lost = 0
  readonly #sketches = new Map<ApiKeyId, Sketches>()
  readonly #refused = new WeakMap<object, NamedKey>()

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock
    this.#secret = Buffer.from(random.bytes(secretBytes)).toString('latin1')
  }

  /** Hears of a key that was not accepted on a connection, before its answer. */
  readonly onRefused = (row: { readonly id: ApiKeyId; readonly tenant: Tenant } | undefined, connection: object): void => {
    if (row !== undefined) this.#refused.set(connection, { apiKey: row.id, tenant: row.tenant })
  }

  /** Hears of each answer. */
  readonly onAnswer = (route: OperationName | 'none', status: number, ms: number, request?: HeardRequest): void => {
    if (request === undefined || route === 'none') return
    const named = request.caller ?? this.#takeRefused(request)
    if (named === undefined) return
    const atMs = this.#clock.nowMs()
    const minute = this.#minuteOf(named, atMs)
    if (minute === undefined) {
      this.#lost++
      return
    }
    const counts = operationOf(minute, route)
    const latencyUs = Math.round(ms * 1_000)
    if (request.caller === null) counts.unauthenticated++
    else this.#count(minute, counts, { status, latencyUs, atMs }, request)
    this.#log(minute, counts, {
      apiKey: named.apiKey, tenant: named.tenant, id: request.requestId, atMs, operation: route, status, fault: request.faultCode,
      latencyUs, address: request.socket.remoteAddress, agent: request.headers['user-agent'],
    })
  }

  /** Takes what was heard; it is forgotten here. */
  take(): Heard {
    const heard = { minutes: [...this.#closed.values(), ...this.#minutes.values()], lines: this.#lines, lost: this.#lost }
    this.#closed = new Map()
    this.#minutes = new Map()
    this.#lines = []
    this.#lost = 0
    const oldest = this.#clock.nowMs() - minuteMs
    for (const [key, { minuteMs: at }] of this.#sketches) if (at < oldest) this.#sketches.delete(key)
    return heard
  }

  /** Entries in memory: bounded by `keysMax` each, and lines by `linesMax`. */
  get size(): { readonly minutes: number; readonly sketches: number; readonly lines: number } {
    return { minutes: this.#minutes.size + this.#closed.size, sketches: this.#sketches.size, lines: this.#lines.length }
  }

  #takeRefused(request: HeardRequest): NamedKey | undefined {
    if (request.faultCode !== 'access/unauthenticated') return undefined
    const named = this.#refused.get(request.socket)
    this.#refused.delete(request.socket)
    return named
  }

  #minuteOf(named: NamedKey, atMs: number): KeyMinute | undefined {
    const at = atMs - atMs % minuteMs
    const known = this.#minutes.get(named.apiKey)
    if (known?.minuteMs === at) return known
    const before = known === undefined ? undefined : this.#reopen(named.apiKey, at)
    if (before === undefined && this.#minutes.size + this.#closed.size >= keysMax) return undefined
    if (known !== undefined) this.#closed.set(nameOf(known.apiKey, known.minuteMs), known)
    const minute: KeyMinute = before ?? {
      apiKey: named.apiKey, tenant: named.tenant, minuteMs: at,
      operations: new Map(), addresses: new Map(), agents: new Map(), amounts: new Map(), lines: 0,
    }
    this.#minutes.set(named.apiKey, minute)
    return minute
  }

  /** One minute of a key is one entry: the store adds each row once in a statement, and refuses all of one that has a row twice. */
  #reopen(apiKey: ApiKeyId, at: number): KeyMinute | undefined {
    const name = nameOf(apiKey, at)
    const closed = this.#closed.get(name)
    this.#closed.delete(name)
    return closed
  }

  #count(minute: KeyMinute, counts: OperationCounts, of: { status: number; latencyUs: number; atMs: number }, request: HeardRequest): void {
    const { status, latencyUs } = of
    counts.requests++
    counts.latencyUs += latencyUs
    if (latencyUs > counts.latencyMaxUs) counts.latencyMaxUs = latencyUs
    if (status >= serverFailures) counts.failed++
    else if (status >= refusals) counts.refused++
    if (status === notFound) {
      counts.notFound++
      if (this.#sketchesOf(minute).missed.add(this.#digest(request.url ?? ''))) counts.missedIds++
    }
    if (request.payment !== undefined) this.#countPayment(minute, counts, request.payment)
    countValue(minute.addresses, request.socket.remoteAddress ?? otherValue, addressesMax)
    countValue(minute.agents, request.headers['user-agent'] ?? otherValue, agentsMax)
  }

  #countPayment(minute: KeyMinute, counts: OperationCounts, { money, payer }: PaymentNote): void {
    if (this.#sketchesOf(minute).payers.add(this.#digest(payer))) counts.payers++
    const bucket = amountBucket(money.currency, money.amountMinor)
    const sum = minute.amounts.get(bucket) ?? { requests: 0, minor: 0n }
    if (sum.requests === 0 && minute.amounts.size >= amountsMax) return
    sum.requests++
    sum.minor += money.amountMinor
    minute.amounts.set(bucket, sum)
  }

  /** What a value is told apart by: without this process's secret it says nothing about the value. */
  #digest(value: string): number {
    return hash('sha256', this.#secret + value, 'buffer').readUInt32LE(0)
  }

  /** For a whole minute, although what was counted is taken within it: an id that was missed before is not missed anew. */
  #sketchesOf({ apiKey, minuteMs: at }: KeyMinute): Sketches {
    let sketches = this.#sketches.get(apiKey)
    if (sketches === undefined) {
      // More keys within a minute than there may be: what was seen of all of them is forgotten, and counts anew.
      if (this.#sketches.size >= keysMax) this.#sketches.clear()
      this.#sketches.set(apiKey, sketches = { minuteMs: at, missed: new DistinctSketch(), payers: new DistinctSketch() })
    } else if (sketches.minuteMs !== at) {
      sketches.minuteMs = at
      sketches.missed.clear()
      sketches.payers.clear()
    }
    return sketches
  }

  #log(minute: KeyMinute, counts: OperationCounts, line: HeardLine): void {
    if (this.#lines.length >= linesMax || minute.lines >= linesPerKeyMax) {
      counts.unlogged++
      return
    }
    minute.lines++
    this.#lines.push(line)
  }
}

function nameOf(apiKey: ApiKeyId, at: number): string {
  return `${apiKey} ${at}`
}

function operationOf({ operations }: KeyMinute, route: OperationName): OperationCounts {
  let counts = operations.get(route)
  if (counts === undefined) {
    operations.set(route, counts = {
      requests: 0, refused: 0, failed: 0, notFound: 0, missedIds: 0, payers: 0, unauthenticated: 0, unlogged: 0,
      latencyUs: 0, latencyMaxUs: 0,
    })
  }
  return counts
}

/** Counts a value, or `other` where there are as many as may be. */
function countValue(counts: Map<string, number>, value: string, max: number): void {
  const count = counts.get(value)
  if (count !== undefined) counts.set(value, count + 1)
  else if (counts.size < max) counts.set(value, 1)
  else counts.set(otherValue, (counts.get(otherValue) ?? 0) + 1)
}

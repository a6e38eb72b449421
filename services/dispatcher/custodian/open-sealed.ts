import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyObject } from 'node:crypto'
import type { Purpose, VaultTokenType } from '@ngome/contracts'
import { encodeRecordContext, openRecord, parseBlob, type ClientSealed, type RecordContext } from '@ngome/envelope'
import { Fault, parseBase64Url, Secret, toBase64Url, type Random } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { SharedOpenings, type WantedKey } from './shared-openings.ts'

export type SealedRecord = {
  /** The sealed data key, as the gateway wrote it. */
  readonly dataKey: Uint8Array
  readonly context: RecordContext
  readonly blob: Uint8Array
  /** What a client sealed within it, where that is known already and its key is wanted too. */
  readonly inner?: { readonly sealed: ClientSealed; readonly type: VaultTokenType }
}

/** `later`: the custodian opens nothing of ours, or not now. `unopenable`: nobody will ever open this. */
export type Opening =
  | { readonly kind: 'opened'; readonly plaintext: Uint8Array; readonly innerKey?: Secret<Uint8Array> }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/**
 * Opens one record for a purpose. The key lives in this call only.
 * @throws Fault `custodian/unavailable` where the custodian stayed away; an opening is never guessed
 */
export type OpenSealed = (purpose: Purpose, record: SealedRecord, signal: AbortSignal) => Promise<Opening>

/** A job waits this long for a custodian that is away, then gives its place to another. */
const waitMaxMs = 60_000
const firstPauseMs = 100
const pauseMaxMs = 2_000
/**
 * The one refusal that is about the record, and final. Every other is about us, our certificate, a clock or a budget:
 * a payment does not end because of those.
 */
const final = 'record_refused'
/** Final too, of what a client sealed within the record: whoever seals can seal nonsense. */
export const innerRefused = 'inner_refused'

/** @param statementKey the custodian's own, which its refusals are signed with */
export function opener(custodian: Pick<CustodianClient, 'call'>, statementKey: KeyObject, random: Random): OpenSealed {
  const openings = new SharedOpenings(custodian, statementKey, random)
  return async (purpose, record, signal) => {
    const parts = parseBlob(record.blob)
    if (parts === undefined) return { kind: 'unopenable', reason: 'not a sealed record' }
    const wanted = {
      purpose, dataKey: toBase64Url(record.dataKey),
      context: toBase64Url(encodeRecordContext(record.context, parts.suite)), salt: toBase64Url(parts.salt),
      ...innerOf(record),
    }
    const given = await patiently(signal, () => openings.open(wanted))
    if (given.kind === 'given') {
      const opening = openWith(given.key, record.blob)
      return record.inner === undefined || opening.kind !== 'opened' ? opening : { ...opening, innerKey: innerKeyOf(given.innerKey) }
    }
    const isFinal = given.reason === final || given.reason === innerRefused
    return { kind: isFinal ? 'unopenable' : 'later', reason: given.reason }
  }
}

function innerOf({ inner }: SealedRecord): Pick<WantedKey, 'inner'> {
  if (inner === undefined) return {}
  const { sealed: { merchantKeyId, enc }, type } = inner
  return { inner: { merchantKey: merchantKeyId, enc: toBase64Url(enc), type } }
}

function innerKeyOf(key: string | undefined): Secret<Uint8Array> {
  const bytes = key === undefined ? undefined : parseBase64Url(key)
  if (bytes === undefined) throw new Fault('custodian/unavailable', 'the custodian answered no key for what a client sealed')
  return new Secret(bytes)
}

function openWith(key: string, blob: Uint8Array): Opening {
  const bytes = parseBase64Url(key)
  if (bytes === undefined) throw new Fault('custodian/unavailable', 'the custodian answered no key for the record')
  try {
    return { kind: 'opened', plaintext: openRecord(new Secret(bytes), blob) }
  } catch (error) {
    if (error instanceof Fault && error.code === 'envelope/open_refused') return { kind: 'unopenable', reason: error.code }
    throw error
  } finally {
    bytes.fill(0)
  }
}

/** Waits while the custodian is away: whoever waits here catches up at once when it is back. */
async function patiently<R>(signal: AbortSignal, call: () => Promise<R>): Promise<R> {
  let waitedMs = 0
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return await call()
    } catch (error) {
      const isAway = error instanceof Fault && error.code === 'custodian/unavailable'
      if (!isAway || waitedMs >= waitMaxMs || signal.aborted) throw error
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      waitedMs += pauseMs
    }
  }
}

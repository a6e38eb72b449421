import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyObject } from 'node:crypto'
import type { Purpose } from '@ngome/contracts'
import { encodeRecordContext, openRecord, parseBlob, type RecordContext } from '@ngome/envelope'
import { Fault, parseBase64Url, Secret, toBase64Url, type Random } from '@ngome/kernel'
import { CustodianRefusal, verifyRefusal, type CustodianClient } from '@ngome/runtime'

export type SealedRecord = {
  /** The sealed data key, as the gateway wrote it. */
  readonly dataKey: Uint8Array
  readonly context: RecordContext
  readonly blob: Uint8Array
}

/** `later`: the custodian opens nothing of ours, or not now. `unopenable`: nobody will ever open this. */
export type Opening =
  | { readonly kind: 'opened'; readonly plaintext: Uint8Array }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/**
 * Opens one record for a purpose. The key lives in this call only.
 * @throws Fault `custodian/unavailable` where the custodian stayed away; an opening is never guessed
 */
export type OpenSealed = (purpose: Purpose, record: SealedRecord, signal: AbortSignal) => Promise<Opening>

const challengeBytes = 16
/** A job waits this long for a custodian that is away, then gives its place to another. */
const waitMaxMs = 60_000
const firstPauseMs = 100
const pauseMaxMs = 2_000
/**
 * The one refusal that is about the record, and final. Every other is about us, our certificate, a clock or a budget:
 * a payment does not end because of those.
 */
const final = 'record_refused'
const unsigned = 'unsigned'

/** @param statementKey the custodian's own, which its refusals are signed with */
export function opener(custodian: Pick<CustodianClient, 'call'>, statementKey: KeyObject, random: Random): OpenSealed {
  return async (purpose, record, signal) => {
    const parts = parseBlob(record.blob)
    if (parts === undefined) return { kind: 'unopenable', reason: 'not a sealed record' }
    const challenge = toBase64Url(random.bytes(challengeBytes))
    const request = {
      purpose,
      dataKeys: [toBase64Url(record.dataKey)],
      records: [{ dataKey: 0, context: toBase64Url(encodeRecordContext(record.context, parts.suite)), salt: toBase64Url(parts.salt) }],
    }
    try {
      const { keys } = await patiently(signal, () => custodian.call('/v1/open', request, { challenge }))
      return openWith(keys, record.blob)
    } catch (error) {
      if (!(error instanceof CustodianRefusal)) throw error
      const reason = reasonOf(error, statementKey, challenge)
      return { kind: reason === final ? 'unopenable' : 'later', reason }
    }
  }
}

function openWith(keys: readonly string[], blob: Uint8Array): Opening {
  const [text] = keys
  const bytes = text === undefined || keys.length !== 1 ? undefined : parseBase64Url(text)
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

/** Only what the custodian signed for this very call is believed; anybody on the way can say 4xx. */
function reasonOf(refusal: CustodianRefusal, statementKey: KeyObject, challenge: string): string {
  const said = refusal.refusal === undefined ? undefined : verifyRefusal(statementKey, refusal.refusal, challenge)
  return said?.operation === '/v1/open' ? said.reason : unsigned
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

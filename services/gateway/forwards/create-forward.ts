import { setTimeout as sleep } from 'node:timers/promises'
import { emit, type CreateForward, type SealedForward } from '@ngome/contracts'
import { Fault, newId, parseId, toBase64Url, type ForwardDestinationId, type ForwardId, type Secret, type Tenant } from '@ngome/kernel'
import { forwardAnswerKey } from '@ngome/signatures'
import { findAnswer, findForward, findLiveVaultTokens, insertForward, type ForwardRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'
import { checkForward } from './check-forward.ts'
import { findDestination, type FindDestinationPorts } from './find-destination.ts'
import { forwardView } from './forward-view.ts'

export type CreateForwardPorts = FindDestinationPorts & {
  readonly dataKeys: DataKeys
  readonly idempotencySecret: Secret<Uint8Array>
  readonly answerSecret: Secret<Uint8Array>
  /** Requests that wait for their result now; shared by all calls of a gateway. */
  readonly waiting: { count: number }
}

/** A merchant's request is held this long for its result, then told to come back. */
const waitMaxMs = 5_000
const firstPauseMs = 25
const pauseMaxMs = 250
/** Each polls the database four times a second: past this many, the next are told at once to come back. */
const waitingMax = 256

/**
 * Accepts a request with tokens for an address that the operator allowed, and waits a little for what comes of it.
 * Whoever repeats it with the same key gets the same forward as it stands: it is sent once, for ever.
 * @throws Fault `request/invalid`, `forwards/destination_refused`, `vault/token_unknown`, `idempotency/key_reused`,
 * `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function createForward(ports: CreateForwardPorts, call: Call<'createForward'>): Promise<Answer> {
  const { tenant } = call.caller
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  // First, since a token may be gone by the time its forward is asked for again.
  const before = await findAnswer(ports.database, tenant, marks)
  const isNew = before.kind === 'in_flight' || before.kind === 'accepted'
  const { body, headers = [] } = isNew ? await accept(ports, call, marks) : answerOutcome(before, { status: 202 })
  const id = idIn(String(body))
  const row = await settled(ports, tenant, id)
  const isSettled = row.endedAtMs !== null
  return {
    status: isSettled ? 201 : 202,
    contentType: jsonType,
    body: JSON.stringify(forwardView(row, ports.answerSecret, ports.clock.nowMs())),
    headers: [...headers, 'location', `/v1/forwards/${id}`],
  }
}

async function accept(
  ports: CreateForwardPorts, call: Call<'createForward'>, marks: ReturnType<typeof idempotencyMarks>,
): Promise<Answer> {
  const { tenant, apiKey } = call.caller
  const tokens = checkForward(call.body)
  const destination = await findDestination(ports, tenant, call.body)
  const createdAtMs = ports.clock.nowMs()
  const live = await findLiveVaultTokens(ports.database, tenant, tokens, createdAtMs)
  if (live.size < tokens.length) throw new Fault('vault/token_unknown', 'a forward names a token that is not this tenant\'s')
  const id = newId('forward', ports)
  const record = await seal(
    ports, 'vault', { tenant, table: 'forwards', recordId: id, dataClass: 'restricted', version: 1 },
    toSeal(call.body, destination.id, forwardAnswerKey(ports.answerSecret, tenant, id)),
  )
  // What is kept for a repetition says which forward it was, and nothing of its answer.
  const body = JSON.stringify({ id })
  const outcome = await insertForward(ports.database, {
    tenant,
    forward: { id, destination: destination.id, apiKey, dataKey: record.dataKey, sealed: record.blob, createdAtMs },
    event: emit({ ...ports, process: 'gateway' }, 'forward.accepted', tenant, { forward: id, destination: destination.id }),
    idempotency: { ...marks, answer: { status: 202, body } },
  })
  return answerOutcome(outcome, { status: 202, body })
}

function toSeal({ method, url, headers = {}, json, form }: CreateForward, destination: ForwardDestinationId, answerKey: Secret<Uint8Array>): Uint8Array {
  const sealed: SealedForward = {
    destination, method, url, headers: { ...headers }, json: json ?? null, form: form === undefined ? null : { ...form },
    answer_key: answerKey.expose(toBase64Url),
  }
  return Buffer.from(JSON.stringify(sealed), 'utf8')
}

function idIn(body: string): ForwardId {
  const id = parseId('forward', (JSON.parse(body) as { id: string }).id)
  if (id === undefined) throw new TypeError('an answer that was kept for another operation')
  return id
}

async function settled({ database, waiting }: CreateForwardPorts, tenant: Tenant, id: ForwardId): Promise<ForwardRow> {
  const isPatient = waiting.count < waitingMax
  waiting.count++
  try {
    let pauseMs = firstPauseMs
    for (let waitedMs = 0; ; waitedMs += pauseMs, pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
      const row = await findForward(database, tenant, id)
      if (row === undefined) throw new TypeError(`${id} was accepted and is not there`)
      if (row.endedAtMs !== null || !isPatient || waitedMs >= waitMaxMs) return row
      await sleep(pauseMs)
    }
  } finally {
    waiting.count--
  }
}

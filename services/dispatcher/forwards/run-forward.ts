import type { JobData, Purpose, ForwardFailure } from '@ngome/contracts'
import { Fault, type Secret, type VaultTokenId } from '@ngome/kernel'
import { proveDestination, type ProvenDestination } from '@ngome/signatures'
import { findLiveVaultTokens, loadForward, markForwardSent, type SealedForwardRow } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'
import { pinRefused, type Transmission } from '../egress/transmit.ts'
import { openVaultToken } from '../vault/open-vault-token.ts'
import { concludeForward } from './conclude-forward.ts'
import { fillTemplate, type FilledForward } from './fill-template.ts'
import { openTemplate, type OpenedTemplate } from './open-template.ts'
import { readAnswer } from './read-answer.ts'

const purpose: Purpose = 'forward'
/** From the first connection to the last byte of the answer. */
const timeoutMs = 20_000
/** A request that its merchant has given up on should not be made: what did not leave by then never does. */
export const sendWithinMs = 60_000
/** A sending that nobody ends by then was a process that died: longer than any takes. */
export const answerWithinMs = timeoutMs + 40_000

/**
 * The job that sends a forward: decides again whether its address is allowed, opens the template and, only once the
 * address was looked up and checked, the tokens. Its one attempt commits before the first byte leaves; a job that finds
 * it sent never sends again.
 * @throws Fault `custodian/unavailable`, `store/unavailable`, after which the job runs again
 */
export async function runForward(
  dispatcher: Dispatcher, { forward: id, ...tenant }: JobData<'forward'>, signal: AbortSignal,
): Promise<void> {
  const row = await loadForward(dispatcher.db, tenant, id)
  if (row?.status !== 'accepted' && row?.status !== 'sent') return
  const nowMs = dispatcher.clock.nowMs()
  if (row.sentAtMs !== null) {
    if (nowMs < row.sentAtMs + answerWithinMs) throw new Fault('provider/unavailable', 'another worker may wait for this answer')
    return concludeForward(dispatcher, row, { status: 'unknown' })
  }
  if (nowMs > row.createdAtMs + sendWithinMs) return fail(dispatcher, row, 'too_late')
  const destination = row.destination === null
    ? undefined : proveDestination(row.destination, row.destination.proof, dispatcher.statementKey, nowMs)
  if (destination === undefined) {
    return fail(dispatcher, row, 'destination_refused', row.destination === null ? undefined : 'destination_unproven')
  }
  const opening = await openTemplate(dispatcher, row, destination, signal)
  if (opening.kind === 'later') throw new Fault('custodian/unavailable', `a forward waits: ${opening.reason}`)
  if (opening.kind === 'refused') return fail(dispatcher, row, 'template_refused', 'template_refused')
  return send(dispatcher, row, destination, opening.opened, signal)
}

/** Why a request was not made, where it was not. */
type Prepared = { failure?: readonly [ForwardFailure, string?]; values: readonly Secret<string>[] }

async function send(
  dispatcher: Dispatcher, row: SealedForwardRow, destination: ProvenDestination, opened: OpenedTemplate, signal: AbortSignal,
): Promise<void> {
  const { db, clock, egress, logger } = dispatcher
  const prepared: Prepared = { values: [] }
  const trust = {
    ...(destination.authority === null ? {} : { authorities: [destination.authority] }),
    ...(destination.certificateSha256 === null ? {} : { pin: destination.certificateSha256 }),
  }
  let transmission: Transmission | undefined
  try {
    transmission = await egress.toForward({ url: destination.url, trust }, async () => {
      const filled = await fill(dispatcher, row, destination, opened, prepared, signal)
      return filled && { ...filled, timeoutMs, beforeFirstByte: () => markForwardSent(db, row.tenant, row.id, clock.nowMs()) }
    })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'egress/refused') throw error
    logger.warn({ forward: row.id, err: error }, 'a forward was refused at the way out')
    return fail(dispatcher, row, 'destination_refused', 'egress_refused')
  }
  if (transmission === undefined) return fail(dispatcher, row, ...(prepared.failure ?? ['template_refused'] as const))
  if (transmission.kind === 'answered') {
    const answer = readAnswer(transmission, prepared.values)
    return concludeForward(dispatcher, row, { status: 'answered', answer, answerKey: opened.template.answer_key })
  }
  logger.info({ forward: row.id, ...transmission }, 'a forward without an answer')
  if (transmission.kind === 'lost') return concludeForward(dispatcher, row, { status: 'unknown' })
  const isPin = transmission.reason === pinRefused
  return fail(dispatcher, row, isPin ? 'destination_refused' : 'unreachable', isPin ? pinRefused : undefined)
}

/** Opens the tokens, all of them or none; the values live in this job only. */
async function fill(
  dispatcher: Dispatcher, row: SealedForwardRow, destination: ProvenDestination, { template, tokens }: OpenedTemplate,
  prepared: Prepared, signal: AbortSignal,
): Promise<FilledForward | undefined> {
  const { tenant } = row
  const refuse = (failure: ForwardFailure, suspect?: string): undefined => {
    prepared.failure = suspect === undefined ? [failure] : [failure, suspect]
  }
  const live = await findLiveVaultTokens(dispatcher.db, tenant, tokens, dispatcher.clock.nowMs())
  if (live.size < tokens.length) return refuse('token_unknown')
  const values = new Map<VaultTokenId, Secret<string>>()
  for (const token of tokens) {
    const opening = await openVaultToken(dispatcher, purpose, tenant, token, signal)
    if (opening.kind === 'later') throw new Fault('custodian/unavailable', `a forward waits: ${opening.reason}`)
    if (opening.kind === 'gone') return refuse('token_unknown')
    // Its merchant reads the token's status; nobody else has done anything wrong.
    if (opening.kind === 'invalid') return refuse('token_unopenable')
    if (opening.kind === 'unopenable') return refuse('token_unopenable', 'token_unopenable')
    values.set(token, opening.opened.value)
  }
  prepared.values = [...values.values()]
  return fillTemplate(destination.url, template, values) ?? refuse('value_refused')
}

function fail(dispatcher: Dispatcher, row: SealedForwardRow, failure: ForwardFailure, suspect?: string): Promise<void> {
  return concludeForward(dispatcher, row, { status: 'failed', failure, ...(suspect === undefined ? {} : { suspect }) })
}

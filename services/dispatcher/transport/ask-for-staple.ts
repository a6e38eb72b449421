import { emit, type Event, type StapleFailure } from '@ngome/contracts'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import { mustStaple, proveOcspResponse, type Logger, type OcspProof } from '@ngome/runtime'
import { claimDueStaple, recordStaple, recordStapleFailure, type Database, type StapleRow } from '@ngome/store'
import { eventSource } from '../dispatcher.ts'
import type { EgressGuard } from '../egress/egress-guard.ts'
import type { Transmission } from '../egress/transmit.ts'
import { ownChain, type OwnChain } from './own-chain.ts'
import { nextAskMs, nextTryMs } from './staple-schedule.ts'

export type StaplePorts = {
  readonly db: Database
  readonly egress: Pick<EgressGuard, 'toResponder'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** What clients of the public API trust, PEM; asked each time, since authorities are replaced. */
  readonly roots: () => readonly string[]
  /** Of the public API; a certificate that is for none of them is not ours. */
  readonly names: readonly string[]
}

type Proven = Extract<OcspProof, { readonly kind: 'good' | 'revoked' }>
type Found =
  | { readonly proof: Proven; readonly response: Uint8Array }
  | { readonly reason: StapleFailure }

const timeoutMs = 10_000
/** Longer than a question takes; a dispatcher that died while it asked holds the question up for no longer. */
const holdMs = 60_000
const dayMs = 86_400_000
const mediaType = /^application\/ocsp-response *(?:;|$)/i
/** What passes by itself: told at the third time. What does not is told at the first. */
const passing: readonly StapleFailure[] = ['not_reached', 'http_status', 'content_type', 'declined', 'unknown', 'over', 'older']
const toldAtFailure = 3

/** Asks about every certificate that is due, one after the other. @throws Fault `store/unavailable` */
export async function askForStaples(ports: StaplePorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const row = await claimDueStaple(ports.db, { nowMs: ports.clock.nowMs(), holdMs })
    if (row === undefined) return
    const chain = ownChain(row, { roots: ports.roots(), names: ports.names, nowMs: ports.clock.nowMs() })
    const found: Found = chain === undefined ? { reason: 'chain_untrusted' } : await ask(ports, row, chain)
    if ('proof' in found) await keep(ports, row, chain, found)
    // Where it is we who end nobody failed; it is asked again when the hold is over.
    else if (!signal.aborted) await keepFailure(ports, row, chain, found.reason)
  }
}

async function ask({ egress, clock }: StaplePorts, { kept, failures }: StapleRow, { leaf, issuer }: OwnChain): Promise<Found> {
  let sent: Transmission
  try {
    // A responder that does not speak GET is asked in the other way every second time.
    sent = await egress.toResponder({ leaf, issuer, isPosted: failures % 2 === 1, timeoutMs })
  } catch (error) {
    if (error instanceof Fault && error.code === 'egress/refused') return { reason: 'egress_refused' }
    throw error
  }
  if (sent.kind !== 'answered') return { reason: 'not_reached' }
  if (sent.status !== 200) return { reason: 'http_status' }
  if (!mediaType.test(sent.headers['content-type'] ?? '')) return { reason: 'content_type' }
  const proof = proveOcspResponse(sent.body, { leaf, issuer, nowMs: clock.nowMs() })
  if (proof.kind === 'refused') return { reason: proof.reason }
  // The way is plain HTTP: who stands on it can play what was said before a revocation, while that counts.
  if (kept !== undefined && proof.thisUpdateMs < kept.thisUpdateMs) return { reason: 'older' }
  return { proof, response: sent.body }
}

async function keep(ports: StaplePorts, row: StapleRow, chain: OwnChain | undefined, { proof, response }: Extract<Found, { readonly proof: Proven }>): Promise<void> {
  const nowMs = ports.clock.nowMs()
  const serial = chain?.leaf.serialNumber ?? ''
  const events: Event[] = []
  const isRevoked = proof.kind === 'revoked'
  const isNews = row.kept?.status !== proof.kind || row.kept.thisUpdateMs !== proof.thisUpdateMs
  const isToldAgain = row.kept?.status !== 'revoked' || nowMs - (row.toldAtMs ?? 0) >= dayMs
  if (isRevoked && isToldAgain) {
    ports.logger.error({ serial, alarm: true }, 'the authority has revoked the certificate that is served')
    events.push(emit(eventSource(ports), 'tls.certificate_revoked', null, { serial, revoked_at: new Date(proof.revokedAtMs).toISOString() }))
  }
  if (!isRevoked && isNews) {
    events.push(emit(eventSource(ports), 'tls.stapled', null, { serial, ends_at: new Date(proof.nextUpdateMs).toISOString() }))
  }
  await recordStaple(ports.db, row.leaf, {
    response, status: proof.kind, thisUpdateMs: proof.thisUpdateMs, nextUpdateMs: proof.nextUpdateMs,
    nextAskAtMs: nextAskMs(proof, nowMs, ports.random), toldAtMs: !isRevoked ? null : isToldAgain ? nowMs : undefined,
  }, events)
}

async function keepFailure(ports: StaplePorts, row: StapleRow, chain: OwnChain | undefined, reason: StapleFailure): Promise<void> {
  const nowMs = ports.clock.nowMs()
  const failures = row.failures + 1
  const failingSinceMs = row.failingSinceMs ?? nowMs
  const serial = chain?.leaf.serialNumber ?? ''
  const isDemanded = chain !== undefined && mustStaple(chain.leaf)
  // What is revoked was told as that, and nothing is stapled of it anyway.
  const isKept = row.kept !== undefined && (row.kept.status === 'revoked' || row.kept.nextUpdateMs > nowMs)
  const isMissing = !isKept && (isDemanded || nowMs - failingSinceMs >= dayMs)
  const isAlarm = isMissing && nowMs - (row.toldAtMs ?? 0) >= dayMs
  const isDoubt = !isMissing && failures === (passing.includes(reason) ? toldAtFailure : 1)
  ports.logger[isMissing ? 'error' : 'warn']({ serial, reason, failures, ...isAlarm ? { alarm: true } : {} }, 'no answer about the served certificate that may be stapled')
  const events: Event[] = []
  if (isAlarm) events.push(emit(eventSource(ports), 'tls.staple_missing', null, { serial, reason, is_demanded: isDemanded }))
  if (isDoubt) events.push(emit(eventSource(ports), 'tls.staple_failed', null, { serial, reason }))
  await recordStapleFailure(ports.db, row.leaf, {
    failure: reason, failures, failingSinceMs, nextAskAtMs: nextTryMs(failures, nowMs, ports.random), toldAtMs: isAlarm ? nowMs : undefined,
  }, events)
}

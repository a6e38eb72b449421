import { createHash, type KeyObject } from 'node:crypto'
import { emit, tlsFindings, type Event, type EventType, type TlsFindingCode, type TlsObservation } from '@ngome/contracts'
import { newId, type Clock, type Random } from '@ngome/kernel'
import { judgeTls, NotReached, observeTls, readPinSet, verdictOf, type TlsFinding, type TlsJudgement } from '@ngome/runtime'
import { findLastTlsChecks, findPinSet, recordTlsCheck, type Database, type TlsCheck } from '@ngome/store'
import type { EgressGuard } from '../egress/egress-guard.ts'
import { eventSource } from '../dispatcher.ts'

export type PublicTlsPorts = {
  readonly db: Database
  readonly egress: Pick<EgressGuard, 'toOwn'>
  readonly clock: Clock
  readonly random: Random
  /** What clients of the public API trust, PEM; asked at each look, since authorities are replaced. */
  readonly roots: () => readonly string[]
  /** The custodian's, which it signs pin sets with. */
  readonly statementKey: KeyObject
} & Pick<TlsJudgement, 'isRenewedByItself' | 'plannedRootChange'>

/** Which event tells of a finding that is new, the one that matters most first. */
const eventOf: Readonly<Partial<Record<TlsFindingCode, Extract<EventType, `tls.${string}`>>>> = {
  'expires_in_7_days': 'tls.expires_in_days',
  'expires_in_30_days': 'tls.expires_soon',
  'chain_changed': 'tls.chain_changed',
  'root_change_due': 'tls.root_change_due',
}
/** What an alarm says again while nobody acts. */
const repeatMs = 86_400_000
const detailLengthMax = 2_048
/** Enough to see when an alarm was last said, at one look a minute. */
const lookedBackMax = 2

/**
 * Looks at one public address as its clients see it, keeps what was seen, and tells of what is new; an alarm that stays is
 * told again each day.
 * @param address `host:port`
 * @throws Fault `store/unavailable`, `egress/refused`
 */
export async function checkPublicTls(ports: PublicTlsPorts, address: string): Promise<TlsCheck> {
  const { db, clock, random } = ports
  const before = await findLastTlsChecks(db, address, lookedBackMax)
  const lastSeen = before.find(({ observed }) => observed !== null)?.observed ?? undefined
  const observed = await observe(ports, address)
  const findings: readonly TlsFinding[] = observed === undefined
    ? [{ code: 'not_reached', detail: address }]
    : judgeTls(observed, { ...ports, nowMs: clock.nowMs(), previous: lastSeen, pins: await publishedPins(ports) })
  const check: TlsCheck = {
    id: newId('tlsCheck', { clock, random }), address, checkedAtMs: clock.nowMs(), verdict: verdictOf(findings),
    findings: [...new Set(findings.map(({ code }) => code))], chain: observed === undefined ? null : chainDigest(observed),
    observed: observed ?? null,
  }
  await recordTlsCheck(db, check, eventsOf(ports, check, findings, before))
  return check
}

async function observe({ egress, roots, clock }: PublicTlsPorts, address: string): Promise<TlsObservation | undefined> {
  const { host, port, addresses } = await egress.toOwn(address)
  const name = host.replace(/^\[|\]$/g, '')
  for (const at of addresses) {
    try {
      return await observeTls({ name, host: at, port }, roots(), clock.nowMs())
    } catch (error) {
      if (!(error instanceof NotReached)) throw error
    }
  }
  return undefined
}

/** @returns the pins that apps hold us to now; `undefined` where they hold us to none, or to what the custodian did not sign */
async function publishedPins({ db, statementKey, clock }: PublicTlsPorts): Promise<readonly string[] | undefined> {
  const row = await findPinSet(db)
  const set = row === undefined ? undefined : readPinSet(row.statement, statementKey)
  if (set === undefined || Date.parse(set.expires_at) <= clock.nowMs()) return undefined
  return set.pins.map(({ spki_sha256: spki }) => spki)
}

function chainDigest({ chain }: TlsObservation): Uint8Array | null {
  return chain.length === 0 ? null : createHash('sha256').update(chain.map(({ spki }) => spki).join('\n')).digest()
}

function eventsOf(ports: PublicTlsPorts, check: TlsCheck, findings: readonly TlsFinding[], before: readonly TlsCheck[]): Event[] {
  const { address, id, verdict, checkedAtMs } = check
  const [last] = before
  const isNewDay = last !== undefined && Math.floor(last.checkedAtMs / repeatMs) !== Math.floor(checkedAtMs / repeatMs)
  const told = new Map<Extract<EventType, `tls.${string}`>, TlsFinding[]>()
  for (const finding of findings) {
    const wasThere = last?.findings.includes(finding.code) === true
    // A gateway that is being replaced is away for a moment; who is away twice is away.
    if (finding.code === 'not_reached' ? !wasThere || before[1]?.findings.includes('not_reached') === true : wasThere) {
      if (!(isNewDay && tlsFindings[finding.code] === 'alarm')) continue
    }
    const type = eventOf[finding.code] ?? (tlsFindings[finding.code] === 'alarm' ? 'tls.posture_failed' : 'tls.posture_doubtful')
    told.set(type, [...told.get(type) ?? [], finding])
  }
  const source = eventSource(ports)
  return [
    emit(source, 'tls.checked', null, { address, check: id, verdict }),
    ...[...told].map(([type, found]) => emit(source, type as 'tls.posture_failed', null, {
      address, check: id, findings: [...new Set(found.map(({ code }) => code))],
      detail: found.map(({ code, detail }) => `${code}: ${detail}`).join('; ').slice(0, detailLengthMax),
    })),
  ]
}

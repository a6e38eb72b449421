import { createHash, X509Certificate } from 'node:crypto'
import type { AcmeOrderRow, StapleState } from '@ngome/store'

/** A dispatcher looks every two seconds, a gateway every fifteen: who has not by then does not run, or not here. */
const silentMsMax = 60_000
/** Longer than a gateway that runs ever waits before it orders again. */
const goneMs = 86_400_000

export type AcmeView = {
  readonly instance: string
  readonly order: string
  readonly state: AcmeOrderRow['state']
  readonly names: readonly string[]
  readonly tries: number
  readonly problem: string | null
  readonly detail: string | null
  readonly refusal: string | null
  /** When it is gone on with, or tried again; of an order that is open. */
  readonly dueAt: string | null
  readonly account: string | null
  /** Of the certificate that is served, `null` where that is still the platform's own. */
  readonly endsAt: string | null
  readonly renewAt: string | null
  readonly renewalAskedAt: string | null
  /** What its authority says of the certificate that is served (OCSP); `null` where nobody can be asked. */
  readonly staple: { readonly status: string | null; readonly endsAt: string | null; readonly failure: string | null } | null
  /** Who has not done its part for a minute. */
  readonly waitsFor: 'dispatcher' | 'gateway' | null
  /** A gateway that is no more: its certificate ended, and for a day it has ordered no other. */
  readonly isGone: boolean
  readonly isWell: boolean
}

/** @returns the order whose certificate a gateway's folder serves @param rows of one folder, newest first */
export function servedOrder(rows: readonly AcmeOrderRow[]): { readonly row: AcmeOrderRow; readonly leaf: X509Certificate; readonly digest: Uint8Array } | undefined {
  const row = rows.find(({ state }) => state === 'installed')
  if (typeof row?.chain !== 'string') return undefined
  const leaf = new X509Certificate(row.chain)
  return { row, leaf, digest: createHash('sha256').update(leaf.raw).digest() }
}

/** How one gateway's certificate by ACME stands at this moment. @param rows of its folder, newest first */
export function acmeView(rows: readonly AcmeOrderRow[], { nowMs, staple }: { readonly nowMs: number; readonly staple?: StapleState | undefined }): AcmeView {
  const [last] = rows
  if (last === undefined) throw new TypeError('a folder without an order')
  const { instance, id: order, state, names, tries, problem, detail, refusal } = last
  const served = servedOrder(rows)
  const endsAtMs = served?.leaf.validToDate.getTime() ?? null
  const isOpen = state === 'requested' || state === 'ordered' || state === 'issued'
  const isFailing = state === 'failed' || (isOpen && tries > 0)
  const isOver = endsAtMs !== null && endsAtMs <= nowMs
  const isGone = isOver && !isOpen && nowMs - (last.endedAtMs ?? 0) > goneMs
  const waitsFor = isGone ? null : silentOne(last, nowMs)
  const renewalAskedAtMs = isAskedFor(last) ? last.renewalAskedAtMs : null
  return {
    instance, order, state, names, tries, refusal, waitsFor, isGone,
    ...isFailing ? { problem, detail } : { problem: null, detail: null },
    dueAt: isOpen ? iso(last.dueAtMs) : null,
    account: rows.find(({ account }) => account !== null)?.account ?? null,
    endsAt: iso(endsAtMs), renewAt: iso(served?.row.renewAtMs ?? null), renewalAskedAt: iso(renewalAskedAtMs),
    staple: staple === undefined ? null : { status: staple.status, endsAt: iso(staple.endsAtMs), failure: staple.failure },
    isWell: endsAtMs !== null && !isOver && !isFailing && state !== 'refused' && waitsFor === null && staple?.status !== 'revoked',
  }
}

/** The same for a person to read. */
export function acmeLines(view: AcmeView, nowMs: number): readonly string[] {
  const { instance, state, names, endsAt, isGone, renewAt, account } = view
  const served = endsAt === null ? 'the platform\'s own certificate is served meanwhile'
    : Date.parse(endsAt) > nowMs ? `the one that is served ends ${endsAt}` : `the one that it had ended ${endsAt}`
  return [
    `${instance}  ${state}  ${names.join(' ')}  ${served}`,
    ...isGone ? ['  this gateway has ordered no other for a day: it is no more, or does not run'] : [],
    ...orderLines(view),
    ...stapleLines(view, nowMs),
    ...renewAt === null || isGone ? [] : [`  the authority would have it renewed at ${renewAt}`],
    ...account === null ? [] : [`  account, for a CAA record: ${account}`],
  ]
}

function orderLines({ state, tries, problem, detail, refusal, dueAt, waitsFor, renewalAskedAt }: AcmeView): readonly string[] {
  const failed = problem === null ? [] : [`  failed ${tries === 1 ? 'once' : `${tries} times, the last time`}: ${problem}: ${detail ?? ''}`]
  const next = waitsFor === 'dispatcher' ? [`  nobody has gone on with it since ${dueAt}: does the dispatcher run?`]
    : waitsFor === 'gateway' ? [`  its gateway has done nothing since ${renewalAskedAt ?? dueAt}: does it run?`]
    : state === 'issued' ? ['  issued; its gateway looks at it now']
    : dueAt !== null ? [`  ${problem === null ? 'the dispatcher goes on with it' : 'tried again'} at ${dueAt}`]
    : renewalAskedAt !== null ? [`  another was asked for at ${renewalAskedAt}; its gateway orders it within a quarter of a minute`]
    : state === 'refused' ? [`  the gateway refused it: ${refusal}; it orders another in some hours, or with ngome tls acme renew`]
    : state === 'failed' ? ['  the gateway orders another in an hour, or with ngome tls acme renew']
    : state === 'withdrawn' ? ['  the gateway withdrew it, and orders another'] : []
  return [...failed, ...next]
}

function stapleLines({ staple, isGone }: AcmeView, nowMs: number): readonly string[] {
  if (staple === null || isGone) return []
  const { status, endsAt, failure } = staple
  if (status === 'revoked') return ['  its authority says that it is revoked: find out why, then order another with ngome tls acme renew']
  const kept = endsAt === null ? 'nothing is stapled yet'
    : Date.parse(endsAt) <= nowMs ? `nothing is stapled: the last answer ended ${endsAt}` : `what its authority says of it is stapled until ${endsAt}`
  return [`  ${kept}${failure === null ? '' : `; the last question failed: ${failure}`}`]
}

function silentOne({ state, dueAtMs, ...row }: AcmeOrderRow, nowMs: number): AcmeView['waitsFor'] {
  const isLate = nowMs - dueAtMs > silentMsMax
  if (state === 'requested' || state === 'ordered') return isLate ? 'dispatcher' : null
  if (state === 'issued') return isLate ? 'gateway' : null
  return isAskedFor(row) && nowMs - (row.renewalAskedAtMs ?? 0) > silentMsMax ? 'gateway' : null
}

const isAskedFor = ({ renewalAskedAtMs, endedAtMs }: Pick<AcmeOrderRow, 'renewalAskedAtMs' | 'endedAtMs'>): boolean =>
  renewalAskedAtMs !== null && endedAtMs !== null && renewalAskedAtMs > endedAtMs

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

import { oldTlsVersions, tlsFindings, type SeenCertificate, type TlsFindingCode, type TlsObservation, type TlsVerdict } from '@ngome/contracts'
import { isWeakSignature, weakKey } from './key-strength.ts'

export type TlsFinding = { readonly code: TlsFindingCode; readonly detail: string }

export type TlsJudgement = {
  readonly nowMs: number
  /** What was seen at the check before; `undefined` at the first. */
  readonly previous: TlsObservation | undefined
  /** Whether the certificate is renewed by itself, at two thirds of its life, and not by a person. */
  readonly isRenewedByItself: boolean
  /** Of the published pin set, while it counts; `undefined` where there is none. */
  readonly pins?: readonly string[] | undefined
  readonly plannedRootChange?: { readonly date: string; readonly pin: string } | undefined
}

const dayMs = 86_400_000
/** A person gets a month to renew; what renews itself and has not at these parts of its life left is in trouble. */
const warningMs = 30 * dayMs
const alarmMs = 7 * dayMs
const warningPart = 0.3
const alarmPart = 0.1
/** Providers who pin or list our root want to hear of another one a month before. */
const rootChangeNoticeMs = 30 * dayMs
/** One year: what browsers' preload lists ask for. */
const hstsAgeSMin = 31_536_000
const ourSuites: readonly string[] = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']
const ourGroups: readonly string[] = ['X25519MLKEM768', 'X25519', 'P-256']

/** Holds what was seen of a public address against what we promise of it (R1, R2, K2, K3). */
export function judgeTls(seen: TlsObservation, from: TlsJudgement): TlsFinding[] {
  return [
    ...judgeVersions(seen),
    ...judgeChoices('suite_unexpected', seen.suites, ourSuites),
    ...judgeChoices('group_unexpected', seen.groups, ourGroups),
    ...judgeRefusal(seen),
    ...seen.chain.flatMap((certificate, depth) => [...judgeStrength(certificate, depth, seen.chain.length), ...judgeTime(certificate, depth, from)]),
    ...seen.refusal === null ? [...judgeHsts(seen), ...judgeStaple(seen)] : [],
    ...judgeChange(seen, from),
  ]
}

/** @returns `flawed` where an alarm is among the findings */
export function verdictOf(findings: readonly TlsFinding[]): TlsVerdict {
  if (findings.some(({ code }) => tlsFindings[code] === 'alarm')) return 'flawed'
  return findings.some(({ code }) => code === 'not_reached') ? 'not_reached' : 'sound'
}

function judgeVersions({ oldVersions, refusal }: TlsObservation): TlsFinding[] {
  const found = oldTlsVersions.flatMap((version): TlsFinding[] => {
    const end = oldVersions[version]
    if (end === 'accepted') return [{ code: 'old_version_accepted', detail: version }]
    return end === 'undecided' ? [{ code: 'version_undecided', detail: `${version} was not refused for its version` }] : []
  })
  // Whatever a certificate is wrong about, the handshake went on until it was seen.
  if (refusal?.startsWith('ERR_SSL_') === true) found.push({ code: 'tls_1_3_refused', detail: refusal })
  return found
}

function judgeChoices(code: 'suite_unexpected' | 'group_unexpected', seen: readonly string[], ours: readonly string[]): TlsFinding[] {
  return seen.filter((one) => !ours.includes(one)).map((detail) => ({ code, detail }))
}

function judgeRefusal({ refusal }: TlsObservation): TlsFinding[] {
  if (refusal === null || refusal.startsWith('ERR_SSL_')) return []
  if (refusal === 'ERR_TLS_CERT_ALTNAME_INVALID') return [{ code: 'name_missing', detail: refusal }]
  if (refusal === 'CERT_HAS_EXPIRED') return [{ code: 'expired', detail: refusal }]
  if (refusal === 'CERT_NOT_YET_VALID') return [{ code: 'not_yet_valid', detail: refusal }]
  return [{ code: 'chain_untrusted', detail: refusal }]
}

function judgeStrength(certificate: SeenCertificate, depth: number, length: number): TlsFinding[] {
  const { subject, issuer, signatureAlgorithm } = certificate
  const weakness = weakKey(certificate, depth === 0 ? 'own' : 'authority')
  // A root is trusted by itself; nobody checks the signature that it made of itself.
  const isRoot = depth === length - 1 && subject === issuer
  return [
    ...weakness === undefined ? [] : [{ code: 'key_weak', detail: `${weakness}: ${subject}` } as const],
    ...isRoot || !isWeakSignature(signatureAlgorithm) ? [] : [{ code: 'signature_weak', detail: `${signatureAlgorithm}: ${subject}` } as const],
  ]
}

function judgeTime({ subject, notBefore, notAfter }: SeenCertificate, depth: number, { nowMs, isRenewedByItself }: TlsJudgement): TlsFinding[] {
  const [fromMs, untilMs] = [Date.parse(notBefore), Date.parse(notAfter)]
  const [lifeMs, leftMs] = [untilMs - fromMs, untilMs - nowMs]
  const isOwn = depth === 0 && isRenewedByItself
  const detail = `${subject} ends ${notAfter}`
  if (leftMs <= 0) return [{ code: 'expired', detail }]
  if (leftMs <= (isOwn ? Math.min(alarmMs, lifeMs * alarmPart) : alarmMs)) return [{ code: 'expires_in_7_days', detail }]
  if (leftMs <= (isOwn ? Math.min(warningMs, lifeMs * warningPart) : warningMs)) return [{ code: 'expires_in_30_days', detail }]
  return []
}

function judgeHsts({ hsts }: TlsObservation): TlsFinding[] {
  const ageS = Number(/(?:^|;\s*)max-age="?([0-9]+)"?/i.exec(hsts ?? '')?.[1] ?? 0)
  return ageS >= hstsAgeSMin ? [] : [{ code: 'hsts_missing', detail: hsts ?? 'no Strict-Transport-Security' }]
}

function judgeStaple({ mustStaple, isStapled, staple, namesResponder }: TlsObservation): TlsFinding[] {
  if (isStapled) return staple === undefined || staple === 'good' ? [] : [{ code: 'staple_flawed', detail: `what is stapled is ${staple}` }]
  if (mustStaple) return [{ code: 'staple_missing', detail: 'the certificate demands a stapled answer' }]
  return namesResponder === true ? [{ code: 'staple_absent', detail: 'the certificate names a responder, and nothing is stapled' }] : []
}

function judgeChange({ chain, refusal }: TlsObservation, { previous, pins, plannedRootChange, nowMs }: TlsJudgement): TlsFinding[] {
  if (refusal !== null) return []
  const found: TlsFinding[] = []
  // The leaf's key is another one in each gateway, and after each renewal; who vouches for it is not.
  const [before, now] = [authorities(previous?.chain ?? []), authorities(chain)]
  if (before !== '' && before !== now) found.push({ code: 'chain_changed', detail: `${before} → ${now}` })
  if (pins !== undefined && !chain.some(({ spki }) => pins.includes(spki))) {
    found.push({ code: 'pin_unmatched', detail: `no key of the chain is pinned: ${chain.map(({ spki }) => spki).join(' ')}` })
  }
  if (plannedRootChange === undefined) return found
  const dueInMs = Date.parse(plannedRootChange.date) - nowMs
  const hasNewRoot = chain.some(({ spki }) => spki === plannedRootChange.pin)
  if (hasNewRoot || dueInMs > rootChangeNoticeMs) return found
  const detail = `the root of ${plannedRootChange.date}: ${plannedRootChange.pin}`
  return [...found, { code: dueInMs > 0 ? 'root_change_due' : 'root_change_missed', detail }]
}

function authorities(chain: readonly SeenCertificate[]): string {
  return chain.slice(1).map(({ spki }) => spki).join(' ')
}

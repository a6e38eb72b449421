import { keySettingsJson, parseKeySettings, successorSettings } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url, type ApiKeyId, type Secret, type Tenant } from '@ngome/kernel'
import { endApiKey, findKeptApiKey } from '@ngome/store'
import { createApiKey } from './create-api-key.ts'
import type { OperatorAccess } from './create-merchant.ts'

export type RolledKey =
  | { readonly kind: 'rolled'; readonly successor: ApiKeyId; readonly text: Secret<string>; readonly endsAtMs: number; readonly tenant: Tenant }
  /** Nobody has it, it was revoked, or it ends before the overlap would. */
  | { readonly kind: 'unknown' | 'revoked' | 'ending' }

/** The row may move to another pepper, or be rolled by somebody else, between reading and writing it. */
const triesMax = 3

/**
 * Issues a successor of a key that may do the same, and has the custodian sign the old one's end. The successor comes
 * first: whatever is cut off, one of them works.
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function rollApiKey(access: OperatorAccess, id: ApiKeyId, overlapMs: number): Promise<RolledKey> {
  const { db, clock } = access
  const row = await findKeptApiKey(db, id)
  if (row === undefined) return { kind: 'unknown' }
  if (row.isRevoked) return { kind: 'revoked' }
  const endsAtMs = clock.nowMs() + overlapMs
  if (row.settings.expiresAtMs !== null && row.settings.expiresAtMs <= endsAtMs) return { kind: 'ending' }
  const successor = await createApiKey(access, row.tenant, successorSettings({ id, settings: row.settings }))
  for (let tries = 0; tries < triesMax; tries++) {
    const endedAtMs = await endOnce(access, id, successor.id, endsAtMs)
    if (endedAtMs !== undefined) return { kind: 'rolled', successor: successor.id, text: successor.text, endsAtMs: endedAtMs, tenant: row.tenant }
  }
  throw new Fault('store/unavailable', `${id} changed while it was rolled; ${successor.id} was issued and stands beside it`)
}

/** @returns the end that stands now, `undefined` where the row was not the one that the custodian was shown */
async function endOnce(
  { db, custodian, clock, random }: OperatorAccess, id: ApiKeyId, successor: ApiKeyId, endsAtMs: number,
): Promise<number | undefined> {
  const row = await findKeptApiKey(db, id)
  if (row === undefined) return undefined
  const answer = await custodian.call('/v1/end-api-key', {
    ...row.tenant, key: id, pepperVersion: row.pepperVersion, verifier: toBase64Url(row.verifier), proof: toBase64Url(row.proof),
    settings: keySettingsJson(row.settings), endsAt: new Date(endsAtMs).toISOString(),
  })
  const proof = parseBase64Url(answer.proof)
  const settings = parseKeySettings({ ...keySettingsJson(row.settings), expiresAt: answer.endsAt })
  if (proof === undefined || settings === undefined) throw new TypeError('the custodian\'s answers are canonical by contract')
  const event = emit({ clock, random, process: 'operator' }, 'api_key.rolled', row.tenant, { key: id, successor, ends_at: answer.endsAt })
  const isDone = await endApiKey(db, { id, tenant: row.tenant, fromProof: row.proof, settings, proof }, clock.nowMs(), event)
  return isDone ? Date.parse(answer.endsAt) : undefined
}

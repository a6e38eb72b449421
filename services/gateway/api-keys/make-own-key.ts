import type { KeyObject } from 'node:crypto'
import { apiKeyHint, isProvenApiKey, keySettingsJson, newApiKey, parseKeySettings, type ApiKeySettings } from '@ngome/access'
import type { CustodianResponse, KeyKind } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url, type ApiKeyId, type Clock, type Random, type Secret } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { findSigningKey, type Database, type KeptApiKeyRow, type NewApiKey, type OwnKeyEnd } from '@ngome/store'
import type { AuthenticatedCaller, VerifiedSignature } from '../http/call.ts'

export type OwnKeyPorts = {
  readonly database: Database
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly statementKey: KeyObject
  readonly clock: Clock
  readonly random: Random
}
export type SignedCall = {
  readonly caller: AuthenticatedCaller
  readonly bytes: Uint8Array
  readonly idempotencyKey: string
  readonly signature: VerifiedSignature | undefined
}
/** The row of the key that another takes the place of. */
export type RolledRow = KeptApiKeyRow & { readonly id: ApiKeyId }
export type MadeKey = { readonly key: NewApiKey; readonly text: Secret<string>; readonly ended: OwnKeyEnd | null }

/**
 * Makes a key's text here, and has the custodian sign what stands for it: it asks for the merchant's own signature and reads from
 * that what the key may do, so that nothing said here makes a key. The text is in what this returns and nowhere else.
 * @throws Fault `keys/refused` where the custodian makes none, `custodian/unavailable`, `store/unavailable`
 */
export async function makeOwnKey(ports: OwnKeyPorts, call: SignedCall, kind: KeyKind, rolled: RolledRow | null): Promise<MadeKey> {
  const { tenant } = call.caller
  const key = newApiKey({ ...ports, world: tenant.world, kind })
  const answer = await askCustodian(ports, call, key, rolled)
  const [verifier, proof] = [parseBase64Url(answer.statement.verifier), parseBase64Url(answer.statement.proof)]
  const settings = parseKeySettings(answer.settings)
  if (verifier === undefined || proof === undefined || settings === undefined) throw notByContract()
  const kept = { id: key.id, tenant, verifier, pepperVersion: answer.statement.pepperVersion, settings }
  // A row that it did not sign would be nobody's key, and its owner would learn that later.
  if (settings.kind !== kind || !isProvenApiKey(kept, proof, ports.statementKey)) throw notByContract()
  const hint = key.text.expose(apiKeyHint)
  const ended = rolled === null ? null : endOf(rolled, answer.ended)
  return { key: { ...kept, proof, hint, createdAtMs: ports.clock.nowMs() }, text: key.text, ended }
}

async function askCustodian(
  { custodian, database }: OwnKeyPorts, { caller: { tenant }, bytes, idempotencyKey, signature }: SignedCall,
  { id, digest }: { readonly id: ApiKeyId; readonly digest: Uint8Array }, rolled: RolledRow | null,
): Promise<CustodianResponse<'/v1/own-api-key'>> {
  const row = signature === undefined ? undefined : await findSigningKey(database, tenant, signature.keyId)
  // The policy table demands one of these operations; a key may be gone since it was looked at.
  if (signature === undefined || row === undefined) throw new Fault('access/signature_required', 'a key is made for a signature only')
  try {
    return await custodian.call('/v1/own-api-key', {
      ...tenant, key: id, digest: toBase64Url(digest),
      signed: { ...signature.message, body: toBase64Url(bytes), idempotencyKey },
      signingKey: {
        id: row.id, algorithm: row.algorithm, spki: toBase64Url(row.spki), uses: [...row.uses],
        expires: new Date(row.expiresAtMs).toISOString(), proof: toBase64Url(row.proof),
      },
      rolled: rolled === null ? null : {
        key: rolled.id, verifier: toBase64Url(rolled.verifier), pepperVersion: rolled.pepperVersion, proof: toBase64Url(rolled.proof),
        settings: keySettingsJson(rolled.settings),
      },
    })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'custodian/refused') throw error
    throw new Fault('keys/refused', `the custodian makes no key for ${signature.keyId}`, { cause: error })
  }
}

function endOf({ id, settings: present, proof: fromProof }: RolledRow, ended: CustodianResponse<'/v1/own-api-key'>['ended']): OwnKeyEnd {
  const proof = ended === null ? undefined : parseBase64Url(ended.proof)
  const settings: ApiKeySettings | undefined = ended === null ? undefined : { ...present, expiresAtMs: Date.parse(ended.endsAt) }
  if (proof === undefined || settings === undefined) throw notByContract()
  return { id, fromProof, settings, proof }
}

function notByContract(): TypeError {
  return new TypeError('the custodian\'s answers are canonical and signed by contract')
}

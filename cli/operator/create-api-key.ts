import { apiKeyHint, defaultKeySettings, keySettingsJson, newApiKey, type ApiKeySettings } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { parseBase64Url, toBase64Url, type ApiKeyId, type Secret, type Tenant } from '@ngome/kernel'
import { issueApiKey } from '@ngome/store'
import type { OperatorAccess } from './create-merchant.ts'
import { explainRefusal } from './explain-refusal.ts'

/** Issues an API key that may do what is said, all where nothing is. Its text is in the answer and nowhere else; the pepper never leaves the custodian. */
export async function createApiKey(
  { db, custodian, clock, random }: OperatorAccess, tenant: Tenant, settings: ApiKeySettings = defaultKeySettings(),
): Promise<{ readonly id: ApiKeyId; readonly text: Secret<string>; readonly hint: string }> {
  const key = newApiKey({ clock, random, world: tenant.world, kind: settings.kind })
  const { verifier, pepperVersion, proof } = await explainRefusal(custodian.call('/v1/api-key-verifier', {
    ...tenant, key: key.id, digest: toBase64Url(key.digest), settings: keySettingsJson(settings),
  }), `the custodian refused to make a key: ${tenant.merchant} must be a merchant of the ${tenant.world} world, as ngome merchants list shows`)
  const kept = { verifier: parseBase64Url(verifier), proof: parseBase64Url(proof) }
  if (kept.verifier === undefined || kept.proof === undefined) throw new TypeError('the custodian\'s bytes are base64url by contract')
  const hint = key.text.expose(apiKeyHint)
  const event = emit({ clock, random, process: 'operator' }, 'api_key.issued', tenant, { key: key.id })
  await issueApiKey(db, {
    id: key.id, tenant, verifier: kept.verifier, proof: kept.proof, pepperVersion, settings, hint, createdAtMs: clock.nowMs(),
  }, event)
  return { id: key.id, text: key.text, hint }
}

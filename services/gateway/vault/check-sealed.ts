import { isClientSealedForm, type VaultTokenType } from '@ngome/contracts'
import { parseClientSealed } from '@ngome/envelope'
import { Fault, parseBase64Url, type Tenant } from '@ngome/kernel'
import type { MerchantStatements } from '../keys/merchant-statements.ts'

/**
 * Checks what can be seen of a value that its client sealed: its form, and that it says it is for a vault key of this tenant
 * that is valid now. Whether it opens, and what it holds, the gateway cannot know.
 * @throws Fault `request/invalid`; `vault/key_refused`, after which the client seals anew to a key that it fetches;
 * `custodian/unavailable`
 */
export async function checkSealed(
  statements: Pick<MerchantStatements, 'published'>, tenant: Tenant, type: VaultTokenType, text: string,
): Promise<void> {
  const sealed = parseClientSealed(parseBase64Url(text) ?? new Uint8Array())
  if (sealed === undefined || !isClientSealedForm(type, sealed.isLong)) {
    const field = { pointer: '/sealed', detail: `This is not a ${type} as a client seals it.` }
    throw new Fault('request/invalid', '/sealed', { fields: [field] })
  }
  const published = await statements.published(tenant, 'vault')
  if (!published.some(({ statement }) => statement.keyId === sealed.merchantKeyId && statement.suite === sealed.suite)) {
    const field = { pointer: '/sealed', detail: 'This was sealed to a key that is not yours now. Fetch /v1/vault/keys and seal again.' }
    throw new Fault('vault/key_refused', `sealed to ${sealed.merchantKeyId}`, { fields: [field] })
  }
}

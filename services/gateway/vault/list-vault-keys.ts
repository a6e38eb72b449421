import type { VaultKeys } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { MerchantStatements } from '../keys/merchant-statements.ts'

/**
 * The keys that clients of this tenant may seal values to now, each as the custodian signed it.
 * @throws Fault `custodian/unavailable`
 */
export async function listVaultKeys(
  { statements }: { readonly statements: Pick<MerchantStatements, 'published'> }, call: Call<'listVaultKeys'>,
): Promise<Answer> {
  const published = await statements.published(call.caller.tenant, 'vault')
  const data = published.map(({ statement: { keyId, suite, notBeforeMs, notAfterMs }, signed }) => ({
    id: keyId,
    object: 'vault_key' as const,
    suite,
    not_before: new Date(notBeforeMs).toISOString(),
    not_after: new Date(notAfterMs).toISOString(),
    statement: toBase64Url(signed),
  }))
  return { status: 200, contentType: jsonType, body: JSON.stringify({ object: 'list', data } satisfies VaultKeys) }
}

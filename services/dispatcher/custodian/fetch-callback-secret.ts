import { Fault, parseBase64Url, Secret } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

const secretBytes = 32

/**
 * Gets the secret that callback addresses are made with; it is kept in memory only.
 * @throws Fault `custodian/unavailable`
 */
export async function fetchCallbackSecret(custodian: Pick<CustodianClient, 'call'>): Promise<Secret<Uint8Array>> {
  const { secrets } = await custodian.call('/v1/secrets', { names: ['callback'] })
  const latest = secrets.filter(({ name }) => name === 'callback').sort((a, b) => a.version - b.version).at(-1)
  const bytes = latest === undefined ? undefined : parseBase64Url(latest.value)
  if (bytes?.length !== secretBytes) throw new Fault('custodian/unavailable', 'the custodian gave no callback secret')
  return new Secret(bytes)
}

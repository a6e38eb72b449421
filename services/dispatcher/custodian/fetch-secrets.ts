import type { CustodianSecretName } from '@ngome/contracts'
import { Fault, parseBase64Url, Secret } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

const secretBytes = 32

/** `callback`: what callback addresses are made with. `indexOuter`: our half of the blind indexes. */
export type DispatcherSecrets = { readonly callback: Secret<Uint8Array>; readonly indexOuter: Secret<Uint8Array> }

/**
 * Gets the dispatcher's own secrets; they are kept in memory only.
 * @throws Fault `custodian/unavailable`
 */
export async function fetchSecrets(custodian: Pick<CustodianClient, 'call'>): Promise<DispatcherSecrets> {
  const { secrets } = await custodian.call('/v1/secrets', { names: ['callback', 'index-outer'] })
  const latest = (wanted: CustodianSecretName): Secret<Uint8Array> => {
    const found = secrets.filter(({ name }) => name === wanted).sort((a, b) => a.version - b.version).at(-1)
    const bytes = found === undefined ? undefined : parseBase64Url(found.value)
    if (bytes?.length !== secretBytes) throw new Fault('custodian/unavailable', `the custodian gave no secret ${wanted}`)
    return new Secret(bytes)
  }
  return { callback: latest('callback'), indexOuter: latest('index-outer') }
}

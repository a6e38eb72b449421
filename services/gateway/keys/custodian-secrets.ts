import type { CustodianSecretName } from '@ngome/contracts'
import { Fault, parseBase64Url, Secret } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'

/** The secrets that the gateway needs, in its memory only. */
export type GatewaySecrets = {
  /** By version. */
  readonly peppers: ReadonlyMap<number, Secret<Uint8Array>>
  readonly idempotency: Secret<Uint8Array>
  readonly callback: Secret<Uint8Array>
}

const secretBytes = 32
const names = ['api-pepper', 'idempotency', 'callback'] as const satisfies readonly CustodianSecretName[]

/** @throws Fault `custodian/unavailable` where the custodian is away or does not give them all */
export async function fetchSecrets(custodian: CustodianClient): Promise<GatewaySecrets> {
  const { secrets } = await custodian.call('/v1/secrets', { names: [...names] })
  const versionsOf = (name: CustodianSecretName): Map<number, Secret<Uint8Array>> => {
    const versions = secrets.filter((one) => one.name === name).sort((a, b) => a.version - b.version)
    if (versions.length === 0) throw new Fault('custodian/unavailable', `the custodian gave no ${name}`)
    return new Map(versions.map((one) => [one.version, secretOf(name, one.value)]))
  }
  const latest = (name: CustodianSecretName): Secret<Uint8Array> => {
    const last = [...versionsOf(name).values()].at(-1)
    if (last === undefined) throw new TypeError('a list that is not empty has a last element')
    return last
  }
  return { peppers: versionsOf('api-pepper'), idempotency: latest('idempotency'), callback: latest('callback') }
}

function secretOf(name: string, text: string): Secret<Uint8Array> {
  const bytes = parseBase64Url(text)
  if (bytes?.length !== secretBytes) throw new Fault('custodian/unavailable', `${name} is not ${secretBytes} bytes`)
  return new Secret(bytes)
}

import type { CustodianResponse, CustodianSecretName } from '@ngome/contracts'
import { Fault, parseBase64Url, Secret } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import type { PepperSource } from '../access/peppers.ts'

/** The secrets that the gateway needs, in its memory only. */
export type GatewaySecrets = {
  /** By version. */
  readonly peppers: ReadonlyMap<number, Secret<Uint8Array>>
  readonly idempotency: Secret<Uint8Array>
  readonly callback: Secret<Uint8Array>
}

const secretBytes = 32
const pepper = 'api-pepper' satisfies CustodianSecretName
const names = [pepper, 'idempotency', 'callback'] as const satisfies readonly CustodianSecretName[]

/** @throws Fault `custodian/unavailable` where the custodian is away or does not give them all */
export async function fetchSecrets(custodian: CustodianClient): Promise<GatewaySecrets> {
  const { secrets } = await custodian.call('/v1/secrets', { names: [...names] })
  const latest = (name: CustodianSecretName): Secret<Uint8Array> => {
    const last = [...versionsOf(name, secrets).values()].at(-1)
    if (last === undefined) throw new TypeError('a list that is not empty has a last element')
    return last
  }
  return { peppers: versionsOf(pepper, secrets), idempotency: latest('idempotency'), callback: latest('callback') }
}

/** Peppers as the custodian has them. */
export function pepperSource(custodian: Pick<CustodianClient, 'call'>): PepperSource {
  return {
    async versions() {
      return (await custodian.call('/v1/secret-versions', { names: [pepper] })).versions.map(({ version }) => version)
    },
    async values() {
      return versionsOf(pepper, (await custodian.call('/v1/secrets', { names: [pepper] })).secrets)
    },
  }
}

function versionsOf(name: CustodianSecretName, secrets: CustodianResponse<'/v1/secrets'>['secrets']): Map<number, Secret<Uint8Array>> {
  const versions = secrets.filter((one) => one.name === name).sort((a, b) => a.version - b.version)
  if (versions.length === 0) throw new Fault('custodian/unavailable', `the custodian gave no ${name}`)
  return new Map(versions.map((one) => [one.version, secretOf(name, one.value)]))
}

function secretOf(name: string, text: string): Secret<Uint8Array> {
  const bytes = parseBase64Url(text)
  if (bytes?.length !== secretBytes) throw new Fault('custodian/unavailable', `${name} is not ${secretBytes} bytes`)
  return new Secret(bytes)
}

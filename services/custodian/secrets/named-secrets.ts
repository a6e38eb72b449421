import type { CustodianSecretName } from '@ngome/contracts'
import { Fault, type Secret } from '@ngome/kernel'
import { lifeOf, type KeyLife } from '../key-life/key-life.ts'
import type { KeyLabel, RootKey } from '../root-keys/root-key.ts'
import type { Reading } from '../store/store.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'

export const secretBytes = 32
export const firstSecretVersion = 1

/** The version is part of the label: no version's bytes can take another's place. */
export function secretLabel(name: CustodianSecretName, version: number): KeyLabel {
  return { purpose: 'secret', name: `${name}/v${version}` }
}

/** A version that is not gone, without its value. */
export type SecretVersion = { readonly name: CustodianSecretName; readonly version: number; readonly life: KeyLife }
export type NamedSecret = SecretVersion & { readonly value: Secret<Uint8Array> }

/** The versions of a named secret that are alive, the oldest first. */
export async function findSecretVersions(store: Reading, name: CustodianSecretName): Promise<readonly SecretVersion[]> {
  const prefix = `${name}/v`
  const rows = await store.all(
    `SELECT * FROM key_lives WHERE purpose = 'secret' AND name >= ? AND name < ? AND state <> 'destroyed'`, prefix, `${name}/w`,
  )
  return rows.map(lifeOf).map((life) => ({ name, version: Number(life.name.slice(prefix.length)), life }))
    .sort((a, b) => a.version - b.version)
}

/** @returns the version that new work is done with @throws Fault `custodian/key_unusable` where there is not exactly one */
export function activeVersion<V extends SecretVersion>(versions: readonly V[], name: CustodianSecretName): V {
  const [active, ...others] = versions.filter(({ life }) => life.state === 'active')
  if (active === undefined || others.length > 0) throw new Fault('custodian/key_unusable', `${name} has not exactly one active version`)
  return active
}

/**
 * The named secrets in all their living versions: the active one is for what is new, the others for what is there. Which
 * are alive is read from the store each time, as a twin may have replaced one; what was unwrapped once stays in memory
 * while it lives.
 */
export class NamedSecrets {
  readonly #from: { readonly store: Reading; readonly root: RootKey }
  readonly #unwrapped = new Map<string, Secret<Uint8Array>>()

  constructor(from: { readonly store: Reading; readonly root: RootKey }) {
    this.#from = from
  }

  /** @returns the oldest first @throws Fault `custodian/key_unusable`, `custodian/unavailable` */
  async alive(name: CustodianSecretName): Promise<readonly NamedSecret[]> {
    const versions = await findSecretVersions(this.#from.store, name)
    this.#forgetOthers(name, versions)
    const secrets: NamedSecret[] = []
    for (const version of versions) secrets.push({ ...version, value: await this.#valueOf(version) })
    return secrets
  }

  async newest(name: CustodianSecretName): Promise<NamedSecret> {
    return activeVersion(await this.alive(name), name)
  }

  async #valueOf({ name, version }: SecretVersion): Promise<Secret<Uint8Array>> {
    const label = secretLabel(name, version)
    const value = this.#unwrapped.get(label.name) ?? await unwrapKey(this.#from, label)
    this.#unwrapped.set(label.name, value)
    return value
  }

  /** What is gone is let go of. It is not overwritten: a call that has it in hand would go on with zeros. */
  #forgetOthers(name: CustodianSecretName, versions: readonly SecretVersion[]): void {
    const alive = new Set(versions.map(({ life }) => life.name))
    for (const known of this.#unwrapped.keys()) {
      if (known.startsWith(`${name}/v`) && !alive.has(known)) this.#unwrapped.delete(known)
    }
  }
}

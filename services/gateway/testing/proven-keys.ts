import { generateKeyPairSync } from 'node:crypto'
import { defaultKeySettings, signApiKey, type ApiKeySettings } from '@ngome/access'
import type { Secret } from '@ngome/kernel'
import type { ApiKeyRow } from '@ngome/store'
import type { ApiKeyPeppers, Lease } from '../access/authenticate.ts'
import { proveApiKey, type ProvenApiKey } from '../access/prove-api-key.ts'

const custodian = generateKeyPairSync('ed25519')

/** A row as a custodian made and signed it. */
export function provenRow(from: Omit<ApiKeyRow, 'proof' | 'settings'> & { readonly settings?: ApiKeySettings | undefined }): ProvenApiKey {
  const row = { ...from, settings: from.settings ?? defaultKeySettings() }
  const proven = proveApiKey({ ...row, proof: signApiKey(row, custodian.privateKey) }, custodian.publicKey)
  if (proven === undefined) throw new TypeError('what was signed a moment ago is proven')
  return proven
}

/** Peppers of which none comes or goes. */
export function fixedPeppers(values: ReadonlyMap<number, Secret<Uint8Array>>): ApiKeyPeppers {
  const [some] = values.values()
  if (some === undefined) throw new TypeError('there is a pepper')
  return { get: (version) => values.get(version), some, learn: async () => undefined }
}

/** A lease that a test holds and lets go of; nobody renews it. */
export function manualLease(isHeld = true): Lease & { isHeld: boolean } {
  return { isHeld, whenHeld: async () => false }
}

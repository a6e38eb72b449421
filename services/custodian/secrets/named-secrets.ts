import type { CustodianSecretName } from '@ngome/contracts'
import type { KeyLabel } from '../root-keys/root-key.ts'

export const secretBytes = 32
/** Secrets have one version so far; the number is part of the label, so that a second can stand beside the first. */
export const secretVersion = 1

export function secretLabel(name: CustodianSecretName): KeyLabel {
  return { purpose: 'secret', name: `${name}/v${secretVersion}` }
}

import type { RotatableSecretName } from '@ngome/contracts'
import type { KeyPolicy } from '../key-life/key-policy.ts'
import type { Reading } from '../store/store.ts'
import { countKeysUnder } from './api-keys.ts'

/** How a named secret is replaced. */
export type SecretPolicy = {
  /** How old its active version may become. */
  readonly ageMsMax: number
  /** How long a version that was replaced is kept for what still hangs on it. */
  readonly keptMs: number
  /** What still hangs on a version; where nothing does it goes at once. Without this it goes when its time is over. */
  readonly countUses?: (store: Reading, version: number) => Promise<number>
}

export function secretPolicy(name: RotatableSecretName, { pepperAgeMsMax, pepperKeptMs }: KeyPolicy): SecretPolicy {
  switch (name) {
    case 'api-pepper': return { ageMsMax: pepperAgeMsMax, keptMs: pepperKeptMs, countUses: countKeysUnder }
    default: return name satisfies never
  }
}

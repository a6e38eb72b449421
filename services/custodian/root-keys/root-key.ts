import type { Secret } from '@ngome/kernel'

/** What a wrapped key is for. Two keys of different purpose can never take each other's place. */
export type KeyPurpose = 'authority' | 'statement' | 'row-tag' | 'merchant' | 'index' | 'secret' | 'share-check'

/** Names a wrapped key; bound into the wrapped bytes, so that a row that was moved or swapped does not unwrap. */
export type KeyLabel = { readonly purpose: KeyPurpose; readonly name: string }

export type RootKeyDescription = {
  /** For logs and for `ngome verify`. */
  readonly name: string
  /** Whether a copy of the disk is not yet a copy of the key. Live API keys refuse to exist where it is. */
  readonly isProtected: boolean
  /** Which root it is, in hexadecimal digits; the head of everything that it wraps says the same (docs/adr/0006). */
  readonly id: string
}

/**
 * The key above all keys. It wraps and unwraps, and never leaves its adapter. The calls are asynchronous because a
 * hardware module may sit behind a network.
 */
export type RootKey = {
  /** @throws Fault `custodian/unavailable` where the root is away */
  wrap(label: KeyLabel, key: Secret<Uint8Array>): Promise<Uint8Array>
  /**
   * @throws Fault `custodian/key_unusable` where the bytes are not what this root wrapped under this label,
   * `custodian/unavailable` where the root is away and nobody can tell
   */
  unwrap(label: KeyLabel, wrapped: Uint8Array): Promise<Secret<Uint8Array>>
  describe(): RootKeyDescription
  /**
   * Asks for a sign of life, and reaches for a root that was away and may be back.
   * @throws Fault `custodian/unavailable`, with what the operator can do
   */
  check(): Promise<void>
  /**
   * Attempts what must not succeed: to take the key out of where it is kept. Nothing of the key is answered or logged.
   * @returns whether it was refused, and what stood in the way or did not
   * @throws Fault `custodian/unavailable` where the root is away and nobody can tell
   */
  attemptExport(): Promise<{ readonly isRefused: boolean; readonly by: string }>
  /** Gives back what the root holds open. */
  close(): Promise<void>
}

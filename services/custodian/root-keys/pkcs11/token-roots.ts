import type { Clock, Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import type { RootKey } from '../root-key.ts'
import type { LoadCryptoki } from './cryptoki.ts'
import { loadCryptoki } from './load-cryptoki.ts'
import { PinGuard } from './pin-guard.ts'
import { pkcs11RootKey } from './pkcs11-root-key.ts'
import { TokenConnection } from './token-connection.ts'

/** The roots of one family in a token: one that is active, and during a rotation its successor or the one before. */
export type TokenRoots = {
  /** The one that was opened. */
  readonly first: RootKey
  /** @returns another of the family, or `undefined` where it is not in the token */
  open(id: string): Promise<RootKey | undefined>
  /**
   * Makes another of the family, which nobody has taken up yet.
   * @param keyId its CKA_ID
   * @throws what the token throws where it makes none, `custodian/unavailable` where it is away
   */
  make(keyId: Uint8Array): Promise<void>
  /**
   * Destroys one for good. One that is not there is gone already.
   * @returns whether a look afterwards did not find it
   * @throws what the token throws where it destroys none, `custodian/unavailable` where it is away
   */
  destroy(id: string): Promise<boolean>
}

export type TokenRootsFrom = {
  readonly uri: Pkcs11Uri
  /** The custodian's own, for the memory of a refused PIN. */
  readonly folder: string
  /** The root that the store needs; without one there must be a single one of that name. */
  readonly wanted?: string | undefined
  /** Only on first run: a new key beside a store that needs another would hide that the right one is away. */
  readonly mayCreate: boolean
  readonly random: Random
  readonly clock: Clock
  readonly load?: LoadCryptoki
  readonly answerMs?: number
}

/**
 * Opens a token, and the root in it that is wanted.
 * @throws Fault `custodian/unavailable` where the token is away, `custodian/start_refused` where module, PIN or key are
 * not as they must be
 */
export async function openTokenRoots(
  { uri, folder, wanted, mayCreate, random, clock, load = loadCryptoki, answerMs }: TokenRootsFrom,
): Promise<TokenRoots> {
  const connection = await TokenConnection.open({
    cryptoki: await load(uri.modulePath), uri, random, clock, pins: new PinGuard({ folder, pinPath: uri.pinSource, random }),
    ...(answerMs === undefined ? {} : { answerMs }),
  }, { wanted, mayCreate })
  const rootOf = (id: string): RootKey => pkcs11RootKey(connection, { id, uri, random })
  return {
    first: rootOf(connection.rootId),
    open: async (id) => (await connection.hold(id) ? rootOf(id) : undefined),
    make: async (keyId) => void await connection.make(keyId),
    destroy: (id) => connection.destroy(id),
  }
}

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, type Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { Refusal } from '../calls/refusal.ts'
import { createPrivateFile, readPrivateFile } from '../store/private-file.ts'
import { newKeyId, rootIdOf } from './pkcs11/token-key.ts'
import type { TokenRoots } from './pkcs11/token-roots.ts'
import type { RootKey } from './root-key.ts'
import type { RootSuccession } from './root-succession.ts'

/** Holds the CKA_ID of a key that this custodian is about to make, so that no other key of the token is ever taken for it. */
const noteName = 'root.next.id'

type From = {
  readonly token: TokenRoots
  readonly uri: Pkcs11Uri
  readonly folder: string
  readonly random: Random
  readonly isKnownRoot: (id: string) => Promise<boolean>
  /** What held the root before it was in the token. */
  readonly destroyFormer: () => void
}

/**
 * How a root in a token is replaced: a new key of the same family is made beside it, and the old one destroyed there.
 * The id of a new key is written down before the key is made, and a key is thrown away only where its id stands there and
 * the store never knew it: whatever else the token holds, whoever made it, stays.
 */
export function tokenSuccession({ token, uri, folder, random, isKnownRoot, destroyFormer }: From): RootSuccession {
  const notePath = join(folder, noteName)
  const discardUnused = async (): Promise<void> => {
    if (!existsSync(notePath)) return
    const id = rootIdOf(readPrivateFile(notePath))
    if (id !== '' && !await isKnownRoot(id)) await destroyUnused(token, id)
    rmSync(notePath)
  }
  const make = async (): Promise<string> => {
    const keyId = newKeyId(uri, random)
    createPrivateFile(notePath, keyId, random)
    try {
      await token.make(keyId)
    } catch (failure) {
      throw isAway(failure) ? failure : noSuccessor('makes no key', failure)
    }
    return rootIdOf(keyId)
  }
  return {
    kind: 'hsm',
    awaits: uri.id === undefined ? null : 'operator',
    canMakeNext: uri.id === undefined,
    makeNext: async (): Promise<RootKey> => {
      if (uri.id !== undefined) throw new Refusal('root_has_no_successor', 'the URI names one key by its id=: leave it out, and all of that object= are meant')
      await discardUnused()
      // A rehearsal: an HSM that makes keys and lets none be destroyed would keep the old root for ever, and be filled.
      await make()
      await discardUnused()
      const next = await token.open(await make())
      if (next !== undefined) return next
      throw noSuccessor('shows no key that it made', undefined)
    },
    discardUnused,
    destroyPrevious: async (ids) => {
      for (const id of ids) await destroyFormerRoot(token, id)
      destroyFormer()
      // By now the store knows the root whose id was written down.
      await discardUnused()
    },
  }
}

async function destroyUnused(token: TokenRoots, id: string): Promise<void> {
  const { isGone, failure } = await destroy(token, id)
  if (!isGone) throw noSuccessor('does not destroy a key', failure)
}

async function destroyFormerRoot(token: TokenRoots, id: string): Promise<void> {
  const { isGone, failure } = await destroy(token, id)
  if (isGone) return
  throw new Fault('custodian/unavailable', `the token does not destroy the root key ${id}${because(failure)}: allow it in the `
    + 'HSM\'s policy, or destroy it there by hand; it is tried again', { cause: failure })
}

async function destroy(token: TokenRoots, id: string): Promise<{ readonly isGone: boolean; readonly failure?: unknown }> {
  try {
    return { isGone: await token.destroy(id) }
  } catch (failure) {
    if (isAway(failure)) throw failure
    return { isGone: false, failure }
  }
}

function noSuccessor(what: string, cause: unknown): Refusal {
  return new Refusal('root_has_no_successor', `the token ${what}${because(cause)}: allow it in the HSM's policy`, { cause })
}

function isAway(failure: unknown): boolean {
  return failure instanceof Fault && failure.code === 'custodian/unavailable'
}

function because(cause: unknown): string {
  return cause instanceof Error ? ` (${cause.message})` : ''
}

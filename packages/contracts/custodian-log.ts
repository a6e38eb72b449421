import { createHash, type KeyObject } from 'node:crypto'
import { lengthPrefixed } from '@ngome/kernel'

/** A row of the custodian's log, as it is hashed. */
export type CustodianLogEntry = {
  /** From 1 on; its leaf's index in the tree is one less. */
  readonly sequence: number
  readonly atMs: number
  readonly caller: string
  readonly operation: string
  readonly outcome: 'allowed' | 'refused'
  readonly reason: string
  readonly subject: string
}

const originStart = 'ngome/custodian-log/'
const installationCharacters = 16

/**
 * The bytes of a row that its leaf is the hash of: each field length-prefixed, numbers in eight bytes. Whoever pulls the
 * log makes them from what he was shown, so that a proof is of what he read.
 */
export function encodeCustodianLogEntry(entry: CustodianLogEntry): Uint8Array {
  return lengthPrefixed(
    'ngome/custodian-log/v2', entry.sequence, entry.atMs,
    entry.caller, entry.operation, entry.outcome, entry.reason, entry.subject,
  )
}

/**
 * The name of an installation's log in its checkpoints. It is made of the statement key, which signs them, so that
 * everybody who has enrolled knows it and no two installations share it.
 */
export function custodianLogOrigin(statementKey: KeyObject): string {
  const spki = statementKey.export({ format: 'der', type: 'spki' })
  return originStart + createHash('sha256').update(spki).digest('hex').slice(0, installationCharacters)
}

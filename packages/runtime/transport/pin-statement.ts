import type { KeyObject } from 'node:crypto'
import { pinSetSchema, type PinSet } from '@ngome/contracts'
import { readStatement, signStatement } from './signed-statement.ts'

const kind = { type: 'ngome-pins+jws', schema: pinSetSchema, charactersMax: 16_384 }

/** @returns the set as a JWS in compact form (RFC 7515 §7.1), in Ed25519 (RFC 8037 §3.1) */
export function signPinSet(set: PinSet, privateKey: KeyObject): string {
  return signStatement(kind, set, privateKey)
}

/** @returns the set that the custodian signed, or `undefined` where it did not, or signed another kind of thing */
export function readPinSet(statement: string, statementKey: KeyObject): PinSet | undefined {
  return readStatement(kind, statement, statementKey)
}

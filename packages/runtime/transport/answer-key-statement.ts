import type { KeyObject } from 'node:crypto'
import { answerKeySchema, type AnswerKeyStatement } from '@ngome/contracts'
import { readStatement, signStatement } from './signed-statement.ts'

const kind = { type: 'ngome-answer-key+jws', schema: answerKeySchema, charactersMax: 1_024 }

/** @returns the custodian's statement of a gateway's answer key, a JWS in compact form in Ed25519 */
export function signAnswerKey(statement: AnswerKeyStatement, privateKey: KeyObject): string {
  return signStatement(kind, statement, privateKey)
}

/** @returns what the custodian stated of an answer key, or `undefined` where it did not; its times are for the caller to look at */
export function readAnswerKey(statement: string, statementKey: KeyObject): AnswerKeyStatement | undefined {
  return readStatement(kind, statement, statementKey)
}

/** How far a reader's clock may lie behind the custodian's. */
const toleranceMs = 300_000

/** The key of a statement that the custodian signed and that counts now: 32 bytes in base64url. */
export function provenAnswerKey(statement: string, statementKey: KeyObject, nowMs: number): string | undefined {
  const stated = readAnswerKey(statement, statementKey)
  const counts = stated !== undefined && nowMs >= Date.parse(stated.issued_at) - toleranceMs && nowMs < Date.parse(stated.expires_at)
  return counts ? stated.key : undefined
}

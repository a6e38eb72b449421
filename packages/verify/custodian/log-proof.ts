import type { KeyObject } from 'node:crypto'
import { hashLeaf, openCheckpoint, verifyConsistency, verifyInclusion, type Checkpoint } from '@ngome/audit'
import { custodianLogOrigin, encodeCustodianLogEntry, type CustodianResponse } from '@ngome/contracts'
import { parseBase64Url } from '@ngome/kernel'
import { NotReached } from '../probe.ts'
import type { OpeningsLog } from './openings-log.ts'

type Openings = CustodianResponse<'/v1/openings'>
export type LogEntry = Openings['entries'][number]

/** After every row that there can be: asks for the proofs alone. */
export const noRows = 2 ** 40

/** @returns the checkpoint, or `undefined` where this key has not signed it for its own log */
export function openedNote(note: string | undefined, publicKey: KeyObject): Checkpoint | undefined {
  return note === undefined ? undefined : openCheckpoint(note, { origin: custodianLogOrigin(publicKey), publicKey })
}

/** Whether the second tree begins with the whole of the first. */
export function goesOn(
  first: Pick<Checkpoint, 'size' | 'root'>, second: Checkpoint, { proof }: Pick<Openings, 'proof'>,
): boolean {
  const path = hashes(proof?.consistency)
  return path !== undefined && verifyConsistency({ first, second, proof: path })
}

/** Whether a row, as it was shown, is in the tree. */
export function isIncluded({ at, ...said }: LogEntry, tree: Checkpoint, { proof }: Pick<Openings, 'proof'>): boolean {
  const leaf = hashLeaf(encodeCustodianLogEntry({ ...said, atMs: Date.parse(at) }))
  const path = hashes(proof?.inclusion)
  return path !== undefined && verifyInclusion({ leaf, index: said.sequence - 1, tree, proof: path })
}

function hashes(texts: readonly string[] | null | undefined): readonly Uint8Array[] | undefined {
  const all = texts?.map(parseBase64Url)
  return all?.every((hash) => hash !== undefined) === true ? all : undefined
}

/** Pages in which what a probe caused must be. */
const pagesMax = 20

/** The rows after the first `size`, until now. @throws NotReached where it grows faster than it can be read */
export async function rowsSince({ pull }: Pick<OpeningsLog, 'pull'>, size: number): Promise<readonly LogEntry[]> {
  const found: LogEntry[] = []
  for (let after = size, page = 0; page < pagesMax; page++) {
    const { entries } = await pull({ after })
    const last = entries.at(-1)
    if (last === undefined) return found
    found.push(...entries)
    after = last.sequence
  }
  throw new NotReached('the custodian\'s log grows faster than it can be read')
}

/** How many rows the log has now. @returns `undefined` where the custodian did not sign that */
export async function signedSize({ pull }: Pick<OpeningsLog, 'pull'>, key: KeyObject): Promise<number | undefined> {
  return openedNote((await pull({ after: noRows, prove: {} })).proof?.checkpoint, key)?.size
}

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sharesMax } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url, Secret, type Random } from '@ngome/kernel'
import { z } from 'zod'
import { createPrivateFile, readPrivateFile, replacePrivateFile } from '../../store/private-file.ts'
import type { KeyLabel } from '../root-key.ts'
import { softwareRootKey } from '../software-root-key.ts'
import { rootIdOf } from '../wrapped-key.ts'

/** The set of the root key, and the one that is to take its place. */
export const shareSetFiles = { current: 'root-shares.json', next: 'root-shares.next.json' } as const
export type ShareSetFile = (typeof shareSetFiles)[keyof typeof shareSetFiles]
const checkBytes = 32

const schema = z.strictObject({
  version: z.literal(1),
  set: z.string().regex(/^[0-9a-f]{12}$/),
  shares: z.int().min(2).max(sharesMax),
  threshold: z.int().min(2).max(sharesMax),
  check: z.base64url().max(256),
}).refine(({ shares, threshold }) => threshold <= shares)

/** All that stays of a ceremony: which set the shares are of, and something that only their root unwraps. */
export type ShareSet = z.output<typeof schema>

/** @throws Fault `custodian/start_refused` where it is there and not as it must be */
export function readShareSet(folder: string, name: ShareSetFile = shareSetFiles.current): ShareSet | undefined {
  const path = join(folder, name)
  if (!existsSync(path)) return undefined
  const parsed = schema.safeParse(parseJson(Buffer.from(readPrivateFile(path)).toString('utf8')))
  if (!parsed.success) throw new Fault('custodian/start_refused', `${path} is damaged: bring it back from a backup; the shares alone open nothing`)
  return parsed.data
}

export function keepShareSet(folder: string, set: ShareSet, random: Random, name: ShareSetFile = shareSetFiles.current): void {
  createPrivateFile(join(folder, name), Buffer.from(`${JSON.stringify(set)}\n`, 'utf8'), random)
}

/** A next set that never was the root's: its shares are of nothing any more. */
export function dropNextSet(folder: string): void {
  rmSync(join(folder, shareSetFiles.next), { force: true })
}

/** The next set takes the place of the current one, whose check value is gone with that; it was no secret. */
export function takeUpNextSet(folder: string): void {
  replacePrivateFile(join(folder, shareSetFiles.next), join(folder, shareSetFiles.current))
}

/** @returns the id of the root that the set is of, as the head of its check value says */
export function rootIdOfSet({ check }: ShareSet): string {
  return rootIdOf(parseBase64Url(check) ?? new Uint8Array())
}

/** What tells a root from any other, and tells nothing of it: random bytes, wrapped by it. */
export async function checkValue(root: Secret<Uint8Array>, set: string, random: Random): Promise<string> {
  return toBase64Url(await softwareRootKey(root, random).wrap(labelOf(set), new Secret(random.bytes(checkBytes))))
}

/** Whether this is the root that the set was made of. */
export async function isRootOf(root: Secret<Uint8Array>, { set, check }: ShareSet, random: Random): Promise<boolean> {
  try {
    const value = await softwareRootKey(root, random).unwrap(labelOf(set), parseBase64Url(check) ?? new Uint8Array())
    value.expose((bytes) => bytes.fill(0))
    return true
  } catch (failure) {
    if (failure instanceof Fault && failure.code === 'custodian/key_unusable') return false
    throw failure
  }
}

function labelOf(set: string): KeyLabel {
  return { purpose: 'share-check', name: set }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

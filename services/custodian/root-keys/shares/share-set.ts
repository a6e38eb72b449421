import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sharesMax } from '@ngome/contracts'
import { Fault, parseBase64Url, toBase64Url, Secret, type Random } from '@ngome/kernel'
import { z } from 'zod'
import { createPrivateFile, readPrivateFile } from '../../store/private-file.ts'
import type { KeyLabel } from '../root-key.ts'
import { softwareRootKey } from '../software-root-key.ts'

const fileName = 'root-shares.json'
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
export function readShareSet(folder: string): ShareSet | undefined {
  const path = join(folder, fileName)
  if (!existsSync(path)) return undefined
  const parsed = schema.safeParse(parseJson(Buffer.from(readPrivateFile(path)).toString('utf8')))
  if (!parsed.success) throw new Fault('custodian/start_refused', `${path} is damaged: bring it back from a backup; the shares alone open nothing`)
  return parsed.data
}

export function keepShareSet(folder: string, set: ShareSet, random: Random): void {
  createPrivateFile(join(folder, fileName), Buffer.from(`${JSON.stringify(set)}\n`, 'utf8'), random)
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

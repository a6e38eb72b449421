import { createReadStream } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ApiKeyId } from '@ngome/kernel'
import { KeyScanner } from './key-scanner.ts'

export type FoundInFile = { readonly key: ApiKeyId; readonly place: string }
export type Scan = {
  readonly onFound: (found: FoundInFile) => void
  /** Hears of each file or object that was looked at. */
  readonly onLooked: () => void
  /** Hears of what could not be read: a clean result says that everything was. */
  readonly onUnread: (place: string) => void
}

/** Looks into every file below a folder, or into one file. Links are not followed, and `.git` is for {@link scanHistory}. */
export async function scanFolder(path: string, scan: Scan): Promise<void> {
  const entry = await stat(path).catch(() => undefined)
  if (entry === undefined) scan.onUnread(path)
  else if (entry.isDirectory()) await scanBelow(path, scan)
  else await scanFile(path, scan)
}

async function scanBelow(folder: string, scan: Scan): Promise<void> {
  const entries = await opendir(folder).catch(() => undefined)
  if (entries === undefined) {
    scan.onUnread(folder)
    return
  }
  for await (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== '.git') await scanBelow(path, scan)
    } else if (entry.isFile()) await scanFile(path, scan)
  }
}

async function scanFile(path: string, scan: Scan): Promise<void> {
  const scanner = new KeyScanner()
  try {
    for await (const piece of createReadStream(path)) {
      for (const { key, line } of scanner.push(piece as Uint8Array)) scan.onFound({ key, place: `${path}:${line}` })
    }
    scan.onLooked()
  } catch {
    scan.onUnread(path)
  }
}

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NotReached } from '../probe.ts'
import { FormSearch } from './form-search.ts'
import type { Form } from './forms.ts'

export type FileScan = {
  readonly found: readonly { readonly path: string; readonly form: string }[]
  readonly fileCount: number
  readonly byteCount: number
}

/** Read at once; large enough that the search and not the reading takes the time. */
const chunkBytes = 4 * 1024 * 1024
/** More than this is no installation that one command should search while it serves payments. */
const totalBytesMax = 8 * 1024 ** 3

/**
 * Searches every regular file below a folder for any of the forms.
 * @param isExcluded says which paths, relative to the folder, are left out
 * @throws NotReached where a file may not be read, or there is more than the bound
 */
export async function scanFiles(
  folder: string,
  forms: readonly Form[],
  isExcluded: (path: string) => boolean,
): Promise<FileScan> {
  const scan = { found: [] as { path: string; form: string }[], fileCount: 0, byteCount: 0 }
  const search = new FormSearch(forms)
  // One for all: a database has a thousand small files, and each new one would be filled with zeros first.
  const buffer = Buffer.alloc(chunkBytes + overlapOf(search))
  for (const path of await filesBelow(folder, '', isExcluded)) {
    const { found, byteCount } = await scanFile(join(folder, path), search, buffer)
    for (const form of found) scan.found.push({ path, form })
    scan.fileCount++
    scan.byteCount += byteCount
    if (scan.byteCount > totalBytesMax) throw new NotReached(`${folder} holds more than ${totalBytesMax} bytes`)
  }
  return scan
}

async function filesBelow(folder: string, below: string, isExcluded: (path: string) => boolean): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw new NotReached(`${join(folder, below)} may not be listed (${codeOf(error)})`)
  })
  const files: string[] = []
  for (const entry of entries) {
    const path = join(below, entry.name)
    if (isExcluded(path)) continue
    if (entry.isDirectory()) files.push(...await filesBelow(folder, path, isExcluded))
    else if (entry.isFile()) files.push(path)
  }
  return files
}

/** What of one chunk is looked at again with the next. */
function overlapOf({ bytesMax }: FormSearch): number {
  return Math.max(0, bytesMax - 1)
}

async function scanFile(path: string, search: FormSearch, buffer: Buffer): Promise<{ found: string[]; byteCount: number }> {
  const overlap = overlapOf(search)
  const found = new Set<string>()
  const file = await open(path).catch((error: unknown) => {
    // PostgreSQL removes files at any time; what is gone is not at rest.
    if (codeOf(error) === 'ENOENT') return undefined
    throw new NotReached(`${path} may not be read (${codeOf(error)})`)
  })
  if (file === undefined) return { found: [], byteCount: 0 }
  try {
    let kept = 0
    let byteCount = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, kept, chunkBytes, null)
      if (bytesRead === 0) return { found: [...found], byteCount }
      byteCount += bytesRead
      const window = buffer.subarray(0, kept + bytesRead)
      search.find(window, found)
      // The end of this chunk stays, so that a form across two chunks is found.
      kept = Math.min(overlap, window.length)
      window.copy(buffer, 0, window.length - kept)
    }
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

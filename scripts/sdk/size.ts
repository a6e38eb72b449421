import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** What an entry of the SDK may take, compressed. */
export const gzippedBytesMax = 20_000
/** Of servers and of browsers. */
export const sdkEntries = ['mod.js', 'browser/mod.js'] as const

/** @returns bytes of an entry of the built SDK and of all that it imports, with gzip */
export function gzippedBytes(built: string, entry: string): number {
  return gzipSync(modulesOf(join(built, entry)).map((path) => readFileSync(path, 'utf8')).join('\n'), { level: 9 }).length
}

/** A module and all that it imports, each once. */
export function modulesOf(entry: string): string[] {
  const found = new Set([entry])
  for (const path of found) {
    for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)'/g)) found.add(join(path, '..', target))
  }
  return [...found]
}

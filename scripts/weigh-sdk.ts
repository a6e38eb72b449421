import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSdk } from './sdk/build.ts'
import { gzippedBytes, gzippedBytesMax, sdkEntries } from './sdk/size.ts'

// Builds the SDK and prints what each of its entries takes compressed, beside what it may.
const built = mkdtempSync(join(tmpdir(), 'ngome-sdk-'))
try {
  buildSdk(built)
  const entries = sdkEntries.map((entry) => ({ entry, bytes: gzippedBytes(built, entry) }))
  process.stdout.write(`${JSON.stringify({ bytesMax: gzippedBytesMax, entries })}\n`)
} finally {
  rmSync(built, { recursive: true, force: true })
}

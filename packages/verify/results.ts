import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { ProbeResult } from './run-probes.ts'
import { statuses } from './verdict.ts'

const fileSchema = z.strictObject({
  results: z.array(z.strictObject({
    probe: z.string(),
    status: z.enum(statuses),
    evidence: z.string(),
    checkedAt: z.iso.datetime(),
  })),
})

/** Keeps what the probes saw, for `--stored` and for who asks what was true yesterday evening. */
export function keepResults(path: string, results: readonly ProbeResult[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.new`
  writeFileSync(temporary, `${JSON.stringify({ results }, null, 2)}\n`, { mode: 0o600 })
  // A reader sees the old file or the new one, never a half.
  renameSync(temporary, path)
}

/** @returns the kept results; none where nothing was kept or the file is not ours. */
export function readResults(path: string): ProbeResult[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).results
  } catch {
    return []
  }
}

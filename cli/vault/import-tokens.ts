import { createHmac } from 'node:crypto'
import { vaultBatchSchema } from '@ngome/contracts'
import { Fault, lengthPrefixed, type Secret } from '@ngome/kernel'
import { NgomeError, type Ngome } from '@ngome/sdk'
import { readChunks, type Chunk } from './read-chunks.ts'
import type { LineResult, ResultFile } from './result-file.ts'

export type ImportReport = { readonly lines: number; readonly kept: number; readonly refused: number }

const keyFormat = 'ngome/vault-import/v1'

/**
 * Imports a file into the vault, from where an earlier import of it stopped. A chunk's idempotency key is made of its
 * content, so that one whose answer was lost is answered again and not kept twice, for as long as keys are kept (30
 * days). The key is an HMAC under the API key: it gives nothing of the content away.
 * @param onProgress told of each chunk that is done
 * @throws Fault `gateway/internal` where the gateway refuses a batch as a whole or stays away
 */
export async function importTokens(
  { ngome, apiKey, path, results, onProgress }: {
    readonly ngome: Pick<Ngome, 'call'>
    readonly apiKey: Secret<string>
    readonly path: string
    readonly results: ResultFile
    readonly onProgress: (report: ImportReport) => void
  },
): Promise<ImportReport> {
  let report: ImportReport = { lines: 0, kept: 0, refused: 0 }
  for await (const chunk of readChunks(path)) {
    const end = chunk.firstLine + chunk.lines.length
    // Done by an import before this one.
    if (end <= results.lineCount) continue
    if (results.lineCount > chunk.firstLine) await results.cutTo(chunk.firstLine)
    const made = await importChunk(ngome, apiKey, chunk)
    await results.append(made)
    const kept = made.filter(({ id }) => id !== null).length
    report = { lines: end, kept: report.kept + kept, refused: report.refused + made.length - kept }
    onProgress(report)
  }
  return { ...report, lines: results.lineCount }
}

async function importChunk(
  ngome: Pick<Ngome, 'call'>, apiKey: Secret<string>, chunk: Chunk,
): Promise<readonly LineResult[]> {
  const items = chunk.lines.map(parseItem)
  const tokens = items.filter((item) => item !== undefined)
  const kept = tokens.length === 0 ? [] : await sendBatch(ngome, tokens, keyOf(apiKey, chunk))
  if (kept.length !== tokens.length) throw new Fault('gateway/internal', 'the gateway answered another number of results')
  let next = 0
  return items.map((item, at) => ({
    line: chunk.firstLine + at + 1,
    ...(item === undefined ? notJson : kept[next++] ?? notJson),
  }))
}

const notJson = { id: null, error: { pointer: '', detail: 'This line is not a JSON object.' } }

function parseItem(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const item: unknown = JSON.parse(line)
    return typeof item === 'object' && item !== null && !Array.isArray(item) ? item as Readonly<Record<string, unknown>> : undefined
  } catch {
    // The error quotes the line, so it goes no further.
    return undefined
  }
}

/** The SDK repeats what is worth it; what it gives up is said without what was sent. */
async function sendBatch(
  ngome: Pick<Ngome, 'call'>, tokens: readonly Readonly<Record<string, unknown>>[], idempotencyKey: string,
): Promise<readonly Omit<LineResult, 'line'>[]> {
  try {
    return vaultBatchSchema.parse(await ngome.call('createVaultTokens', { body: { tokens } }, { idempotencyKey })).results
  } catch (cause) {
    if (!(cause instanceof NgomeError)) throw cause
    const { status = 0, code } = cause
    if (status >= 400 && status < 500 && status !== 409 && status !== 429) throw new Fault('gateway/internal', `the gateway refused a batch: ${status} ${code}`, { cause })
    throw new Fault('gateway/internal', `the gateway stays away (${code}); the same command goes on from here`, { cause })
  }
}

function keyOf(apiKey: Secret<string>, { index, lines }: Chunk): string {
  const mac = apiKey.expose((key) => createHmac('sha256', key).update(lengthPrefixed(keyFormat, index, ...lines)).digest('base64url'))
  return `import-${mac}`
}

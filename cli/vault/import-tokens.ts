import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { vaultBatchSchema } from '@ngome/contracts'
import { Fault, lengthPrefixed, type Secret } from '@ngome/kernel'
import type { ApiAnswer, MerchantApi } from '../merchant-api.ts'
import { readChunks, type Chunk } from './read-chunks.ts'
import type { LineResult, ResultFile } from './result-file.ts'

export type ImportReport = { readonly lines: number; readonly kept: number; readonly refused: number }

const keyFormat = 'ngome/vault-import/v1'
/** A gateway that is being replaced, or a platform that starts again, is back within this time. */
const triesMax = 60
const pauseMs = 1_000
/** Answers that say nothing of the batch itself: the next try may do. */
const passing = new Set([409, 429, 502, 503, 504])

/**
 * Imports a file into the vault, from where an earlier import of it stopped. A chunk's idempotency key is made of its
 * content, so that one whose answer was lost is answered again and not kept twice, for as long as keys are kept (30
 * days). The key is an HMAC under the API key: it gives nothing of the content away.
 * @param onProgress told of each chunk that is done
 * @throws Fault `gateway/internal` where the gateway refuses a batch as a whole or stays away
 */
export async function importTokens(
  { api, apiKey, path, results, onProgress }: {
    readonly api: Pick<MerchantApi, 'send'>
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
    const made = await importChunk(api, apiKey, chunk)
    await results.append(made)
    const kept = made.filter(({ id }) => id !== null).length
    report = { lines: end, kept: report.kept + kept, refused: report.refused + made.length - kept }
    onProgress(report)
  }
  return { ...report, lines: results.lineCount }
}

async function importChunk(
  api: Pick<MerchantApi, 'send'>, apiKey: Secret<string>, chunk: Chunk,
): Promise<readonly LineResult[]> {
  const items = chunk.lines.map(parseItem)
  const tokens = items.filter((item) => item !== undefined)
  const kept = tokens.length === 0 ? [] : await sendBatch(api, tokens, keyOf(apiKey, chunk))
  if (kept.length !== tokens.length) throw new Fault('gateway/internal', 'the gateway answered another number of results')
  let next = 0
  return items.map((item, at) => ({
    line: chunk.firstLine + at + 1,
    ...(item === undefined ? notJson : kept[next++] ?? notJson),
  }))
}

const notJson = { id: null, error: { pointer: '', detail: 'This line is not a JSON object.' } }

function parseItem(line: string): object | undefined {
  try {
    const item: unknown = JSON.parse(line)
    return typeof item === 'object' && item !== null && !Array.isArray(item) ? item : undefined
  } catch {
    // The error quotes the line, so it goes no further.
    return undefined
  }
}

async function sendBatch(
  api: Pick<MerchantApi, 'send'>, tokens: readonly object[], idempotencyKey: string,
): Promise<readonly Omit<LineResult, 'line'>[]> {
  for (let tries = 1; ; tries++) {
    const answer = await trySend(api, tokens, idempotencyKey)
    if (answer?.status === 200) return vaultBatchSchema.parse(answer.body).results
    if (answer !== undefined && !passing.has(answer.status)) {
      throw new Fault('gateway/internal', `the gateway refused a batch: ${answer.status} ${codeIn(answer.body)}`)
    }
    if (tries === triesMax) throw new Fault('gateway/internal', 'the gateway stays away; the same command goes on from here')
    await sleep(pauseMs)
  }
}

async function trySend(api: Pick<MerchantApi, 'send'>, tokens: readonly object[], idempotencyKey: string): Promise<ApiAnswer | undefined> {
  try {
    return await api.send('POST', '/v1/vault/tokens/batch', { tokens }, idempotencyKey)
  } catch {
    return undefined
  }
}

function codeIn(body: unknown): string {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
  return typeof code === 'string' ? code : 'without a code'
}

function keyOf(apiKey: Secret<string>, { index, lines }: Chunk): string {
  const mac = apiKey.expose((key) => createHmac('sha256', key).update(lengthPrefixed(keyFormat, index, ...lines)).digest('base64url'))
  return `import-${mac}`
}

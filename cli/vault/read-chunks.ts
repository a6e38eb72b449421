import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { vaultBatchMax } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'

/** Below what the gateway takes in one request, with room for what surrounds the lines. */
const chunkBytesMax = 384 * 1024
/** The longest value, escaped in full, with its metadata. */
export const lineBytesMax = 64 * 1024

/** Lines that travel together; the same file always falls into the same chunks. */
export type Chunk = { readonly index: number; readonly firstLine: number; readonly lines: readonly string[] }

/**
 * Reads a file of one JSON object a line, chunk by chunk, so that a file of any size takes little memory.
 * @throws Fault `request/too_large` where a line is longer than any token
 */
export async function* readChunks(path: string): AsyncGenerator<Chunk> {
  let lines: string[] = []
  let bytes = 0
  let firstLine = 0
  let index = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const lineBytes = Buffer.byteLength(line) + 1
    if (lineBytes > lineBytesMax) throw new Fault('request/too_large', `line ${firstLine + lines.length + 1} is longer than ${lineBytesMax} bytes`)
    if (lines.length === vaultBatchMax || (lines.length > 0 && bytes + lineBytes > chunkBytesMax)) {
      yield { index: index++, firstLine, lines }
      firstLine += lines.length
      lines = []
      bytes = 0
    }
    lines.push(line)
    bytes += lineBytes
  }
  if (lines.length > 0) yield { index, firstLine, lines }
}

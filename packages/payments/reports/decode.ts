import type { ReportProblem } from './report-row.ts'

/** How a file's text is written; a byte order mark goes before what is configured. */
export const reportEncodings = ['utf-8', 'utf-16le', 'windows-1252'] as const
export type ReportEncoding = (typeof reportEncodings)[number]

/** Carries a problem through the text's reader, which knows nothing of bytes. */
export class UnreadableText extends Error {
  readonly found: ReportProblem

  constructor(found: ReportProblem) {
    super(found.problem)
    this.found = found
  }
}

/**
 * The text of a file's bytes; a byte order mark is taken off.
 * @throws UnreadableText where the bytes are no text of the encoding: nothing is guessed and nothing replaced
 */
export async function* decodeReport(bytes: AsyncIterable<Uint8Array>, encoding: ReportEncoding): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let line = 1
  for await (const piece of bytes) {
    decoder ??= new TextDecoder(encodingOf(piece, encoding), { fatal: true })
    const text = decode(decoder, piece, line)
    line += text.split('\n').length - 1
    yield text
  }
  if (decoder !== undefined) yield decode(decoder, undefined, line)
}

function decode(decoder: TextDecoder, piece: Uint8Array | undefined, line: number): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true })
  } catch {
    const upTo = new TextDecoder(decoder.encoding).decode(piece).split('\uFFFD', 1)[0] ?? ''
    throw new UnreadableText({ line: line + upTo.split('\n').length - 1, column: 1, problem: `from this line on, the bytes are no ${decoder.encoding}` })
  }
}

function encodingOf([first, second]: Uint8Array, otherwise: ReportEncoding): ReportEncoding {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xef && second === 0xbb ? 'utf-8' : otherwise
}

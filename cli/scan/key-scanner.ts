import { apiKeyLength, findApiKeys } from '@ngome/access'
import type { ApiKeyId } from '@ngome/kernel'

export type KeyInText = { readonly key: ApiKeyId; readonly line: number }

/** Looks for keys in a text that comes piece by piece, whole files of any size in a few bytes more than one piece. */
export class KeyScanner {
  #tail = ''
  /** Of the tail's first character. */
  #line = 1

  /** @param bytes the next piece; every byte is a character, so that no encoding hides what is ASCII */
  push(bytes: Uint8Array): readonly KeyInText[] {
    const text = this.#tail + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const found = findApiKeys(text)
    const keys = found.map(({ id, at }) => ({ key: id, line: this.#line + lineBreaks(text, at) }))
    // A key that was found is not found again; of the rest, what may be the beginning of one is kept.
    const last = found.at(-1)
    const from = Math.max(last === undefined ? 0 : last.at + apiKeyLength, text.length - apiKeyLength + 1)
    this.#line += lineBreaks(text, from)
    this.#tail = text.slice(from)
    return keys
  }
}

function lineBreaks(text: string, until: number): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < until; at = text.indexOf('\n', at + 1)) count++
  return count
}

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { ApiKeyId } from '@ngome/kernel'
import { KeyScanner } from './key-scanner.ts'
import type { Scan } from './scan-folder.ts'

const run = promisify(execFile)
/** `<object> <type> <size>`; git writes no longer line before an object. */
const headLengthMax = 256

type Found = { readonly key: ApiKeyId; readonly object: string; readonly line: number }

/**
 * Looks into all that a git repository keeps: every version of every file, messages and names, also what no branch reaches
 * any more. Each object is looked at once, in a stream.
 * @throws Error where git is missing or fails, or this is no repository
 */
export async function scanHistory(folder: string, scan: Scan): Promise<void> {
  const found: Found[] = []
  const git = spawn('git', ['-C', folder, 'cat-file', '--batch', '--batch-all-objects', '--unordered', '--buffer'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(git, 'close') as Promise<[number | null]>
  // Where git cannot be started this fails before anybody waits for it.
  ended.catch(() => undefined)
  const said: Buffer[] = []
  git.stderr.on('data', (chunk: Buffer) => said.length < 8 && said.push(chunk))
  const reader = new ObjectReader((one) => found.push(one), scan.onLooked)
  // The stream of a program that could not be started ends empty; `ended` then throws.
  for await (const piece of git.stdout) reader.push(piece as Buffer)
  const [code] = await ended
  if (code !== 0 || !reader.isWhole) throw new Error(`git: ${Buffer.concat(said).toString().trim().slice(0, 300)}`)
  for (const { key, object, line } of found) scan.onFound({ key, place: `${await placeOf(folder, object)}:${line}` })
}

/** Takes apart what `git cat-file --batch` writes: a line of head, the object's bytes, a line break. */
class ObjectReader {
  readonly #onFound: (found: Found) => void
  readonly #onLooked: () => void
  #head = ''
  #object = ''
  #left = -1
  #scanner = new KeyScanner()

  constructor(onFound: (found: Found) => void, onLooked: () => void) {
    this.#onFound = onFound
    this.#onLooked = onLooked
  }

  /** Whether nothing is missing of the last object. */
  get isWhole(): boolean {
    return this.#left === -1 && this.#head === ''
  }

  push(piece: Buffer): void {
    let rest = piece
    while (rest.length > 0) rest = this.#left === -1 ? this.#readHead(rest) : this.#readBytes(rest)
  }

  #readHead(piece: Buffer): Buffer {
    const end = piece.indexOf('\n')
    this.#head += piece.toString('latin1', 0, end === -1 ? piece.length : end)
    if (this.#head.length > headLengthMax) throw new Error('git answered something else than objects')
    if (end === -1) return piece.subarray(piece.length)
    const [, object = '', size = ''] = /^([0-9a-f]{40,64}) [a-z]+ ([0-9]+)$/.exec(this.#head) ?? []
    if (object === '') throw new Error('git answered something else than objects')
    this.#head = ''
    this.#object = object
    this.#left = Number(size) + 1
    this.#scanner = new KeyScanner()
    return piece.subarray(end + 1)
  }

  #readBytes(piece: Buffer): Buffer {
    const bytes = piece.subarray(0, this.#left)
    for (const { key, line } of this.#scanner.push(bytes)) this.#onFound({ key, object: this.#object, line })
    this.#left -= bytes.length
    if (this.#left === 0) {
      this.#left = -1
      this.#onLooked()
    }
    return piece.subarray(bytes.length)
  }
}

/** @returns the first commit that brought an object, with the file's name, where a branch or tag reaches it */
async function placeOf(folder: string, object: string): Promise<string> {
  const args = ['-C', folder, 'log', '--all', '--no-color', '--reverse', '--format=%H', '--name-only', `--find-object=${object}`]
  const lines = await run('git', args, { maxBuffer: 1 << 20 }).then(({ stdout }) => stdout.split('\n').filter((line) => line !== ''), () => [])
  const [commit, name] = lines
  return commit === undefined ? `object ${object}` : `commit ${commit} ${name ?? ''}`
}

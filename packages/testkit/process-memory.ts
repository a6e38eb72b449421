import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const chunkBytes = 1 << 20

/**
 * Reads what a core dump of a running process would hold: its writable, private memory (proc(5): maps, mem). Needs to be
 * root, or an ancestor where the kernel allows that.
 */
export function* processMemory(pid: number): Generator<Buffer> {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  const fd = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of maps) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw.p/.exec(line)
      if (match !== null) yield* region(fd, BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`))
    }
  } finally {
    closeSync(fd)
  }
}

function* region(fd: number, from: bigint, to: bigint): Generator<Buffer> {
  for (let at = from; at < to; at += BigInt(chunkBytes)) {
    const left = to - at
    const chunk = Buffer.alloc(left < BigInt(chunkBytes) ? Number(left) : chunkBytes)
    try {
      const read = readSync(fd, chunk, 0, chunk.length, at)
      if (read > 0) yield chunk.subarray(0, read)
    } catch {
      return // A page that is mapped and not readable, or that was unmapped since: not in a dump either.
    }
  }
}

/**
 * Every 32 bytes of memory that could be a key: at an offset that an allocator gives (a multiple of 8), and as varied as
 * random bytes are. A random key fails the second condition once in a million million.
 */
export function* keyCandidates(memory: Iterable<Buffer>, bytes = 32): Generator<Buffer> {
  for (const chunk of memory) {
    for (let at = 0; at + bytes <= chunk.length; at += 8) {
      const window = chunk.subarray(at, at + bytes)
      if (isVaried(window)) yield window
    }
  }
}

const distinctMin = 20
const counts = new Uint8Array(256)

function isVaried(window: Buffer): boolean {
  let distinct = 0
  for (const byte of window) {
    if (counts[byte] === 0) distinct++
    counts[byte] = 1
  }
  for (const byte of window) counts[byte] = 0
  return distinct >= distinctMin
}

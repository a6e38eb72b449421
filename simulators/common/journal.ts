import { constants } from 'node:fs'
import { mkdir, open, readFile, truncate, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** An append-only file of JSON lines; what {@link Journal.append} has resolved for survives a kill and a power cut. */
export type Journal = {
  /** Resolves once the entry is on the disk. */
  append(entry: object): Promise<void>
  close(): Promise<void>
}

type Waiting = { readonly line: string; readonly resolve: () => void; readonly reject: (error: unknown) => void }

// Every write waits for the disk (O_DSYNC), since the permission model forbids fsync of a descriptor.
const openFlags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC

/** Opens the journal in `folder`, cutting off a last line that a crash left torn. */
export async function openJournal(folder: string): Promise<{ journal: Journal; entries: readonly unknown[] }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'journal.jsonl')
  const file = await open(path, openFlags, 0o600)
  const bytes = await readFile(path)
  const wholeBytes = bytes.lastIndexOf('\n') + 1
  // A line without its end was never acknowledged, so nobody was told that it is here.
  if (wholeBytes < bytes.length) await truncate(path, wholeBytes)
  const lines = bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1)
  const entries: readonly unknown[] = lines.map((line) => JSON.parse(line) as unknown)
  return { journal: journalOf(file), entries }
}

function journalOf(file: FileHandle): Journal {
  let waiting: Waiting[] = []
  let flushing: Promise<void> | undefined

  // One flush at a time, each taking all that waits: as many charges as arrive meanwhile share one wait for the disk.
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await file.writeFile(batch.map(({ line }) => line).join(''))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    flushing = undefined
  }

  return {
    append: (entry) => new Promise((resolve, reject) => {
      waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject })
      flushing ??= flush()
    }),
    close: async () => {
      await flushing
      await file.close()
    },
  }
}

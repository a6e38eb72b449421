import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { readJsonFile, writePrivateFile } from './private-file.ts'

const rowsSchema = z.array(z.strictObject({ name: z.string(), pid: z.int(), startedAt: z.string() }))
type Row = z.output<typeof rowsSchema>[number]

/** What a process of a dead launcher gets to end by itself: its channel has closed, it is on its way. */
const waitMsMax = 15_000

/** The processes of this instance, on the disk, so that the launcher after a kill -9 knows whom to wait for. */
export class KnownProcesses {
  readonly #file: string
  readonly #waitMs: number
  #rows: Row[] = []

  constructor(file: string, waitMs = waitMsMax) {
    this.#file = file
    this.#waitMs = waitMs
  }

  add(name: string, pid: number): void {
    this.#rows.push({ name, pid, startedAt: startOf(pid) ?? '' })
    this.#write()
  }

  remove(pid: number): void {
    this.#rows = this.#rows.filter((row) => row.pid !== pid)
    this.#write()
  }

  /**
   * Waits for what an earlier launcher left to end, and kills what does not. Only where a process id still has the
   * start time that was noted is it the same process.
   * @returns the names of what was still there
   */
  async endLeftOvers(): Promise<readonly string[]> {
    const leftOvers = (readJsonFile(this.#file, rowsSchema) ?? []).filter(isRunning)
    for (let waitedMs = 0; leftOvers.some(isRunning) && waitedMs < this.#waitMs; waitedMs += 100) await sleep(100)
    for (const row of leftOvers.filter(isRunning)) process.kill(row.pid, 'SIGKILL')
    while (leftOvers.some(isRunning)) await sleep(20)
    return leftOvers.map(({ name }) => name)
  }

  #write(): void {
    writePrivateFile(this.#file, JSON.stringify(this.#rows) + '\n')
  }
}

function isRunning({ pid, startedAt }: Row): boolean {
  return startedAt !== '' && startOf(pid) === startedAt
}

/** When the process started, in the kernel's ticks (proc(5), field 22 of stat); nowhere but on Linux. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name, in parentheses, and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Counts, FileCoverage, FileMessage, Told } from './messages.ts'
import { killGroup, runningInGroup } from './process-group.ts'

export type FileResult = Counts & {
  readonly file: string
  readonly tookMs: number
  readonly failures: readonly Told[]
  readonly skips: readonly Told[]
  readonly coverage: readonly FileCoverage[]
  /** The end of what the file printed; of use only where it failed. */
  readonly output: string
}

/** What a file that has reported its tests may take to let go of sockets and children. */
const lingerMsMax = 10_000
const outputCharactersMax = 20_000
const entry = fileURLToPath(import.meta.resolve('./run-file.ts'))

/** Runs one test file in a process group of its own, and leaves nothing of it behind, also where this process exits before it. */
export async function runTestFile(
  file: string,
  options: { readonly root: string; readonly timeMsMax: number; readonly hasCoverage: boolean },
): Promise<FileResult> {
  const startedAtMs = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, file, options.hasCoverage ? 'coverage' : ''], {
    cwd: options.root,
    env: testEnvironment(options.hasCoverage),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const { pid } = child
  // A run that is ended by a signal takes its files with it.
  const end = (): void => { if (pid !== undefined) killGroup(pid) }
  process.once('exit', end)
  const heard = listen(child)
  const ending = await waitForEnd(child, heard, options.timeMsMax)
  const leftover = ending === 'ended' && pid !== undefined ? await leftRunning(pid) : []
  end()
  process.removeListener('exit', end)
  return { file, tookMs: performance.now() - startedAtMs, ...judge(heard, ending, leftover.length, child) }
}

type Heard = {
  readonly failures: Told[]
  readonly skips: Told[]
  coverage: readonly FileCoverage[]
  summary: Counts | undefined
  output: string
}

/** Tests see no configuration of whoever runs them. Code that was compiled before tells less exactly which lines ran. */
function testEnvironment(hasCoverage: boolean): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => {
    return name === 'NGOME_VECTORS' || !(name.startsWith('NGOME_') || name === 'DATABASE_URL' || name.startsWith('PG'))
  })
  return { ...Object.fromEntries(kept), NODE_ENV: 'test', ...(hasCoverage ? { NODE_DISABLE_COMPILE_CACHE: '1' } : {}) }
}

function listen(child: ChildProcess): Heard {
  const heard: Heard = { failures: [], skips: [], coverage: [], summary: undefined, output: '' }
  const keep = (chunk: Buffer): void => {
    heard.output = (heard.output + chunk.toString()).slice(-outputCharactersMax)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const reports = child.stdio[3] as Readable
  createInterface({ input: reports }).on('line', (line) => {
    const message = JSON.parse(line) as FileMessage
    if (message.kind === 'fail') heard.failures.push(message)
    else if (message.kind === 'skip') heard.skips.push(message)
    else if (message.kind === 'coverage') heard.coverage = message.files
    else heard.summary = message
  })
  return heard
}

async function waitForEnd(child: ChildProcess, heard: Heard, timeMsMax: number): Promise<'ended' | 'hung' | 'lingered'> {
  const closed = new Promise<'ended'>((resolve) => {
    child.once('error', () => resolve('ended'))
    child.once('exit', () => resolve('ended'))
  })
  const isOver = new AbortController()
  const limit = { signal: isOver.signal }
  const hung = sleep(timeMsMax, 'hung' as const, limit).catch(() => 'ended' as const)
  const ending = await Promise.race([closed, hung, lingering(heard, limit)])
  isOver.abort()
  if (ending !== 'ended') return ending
  // The last lines of the report may still be in the pipe when the process is gone.
  await sleep(20)
  return ending
}

async function lingering(heard: Heard, limit: { signal: AbortSignal }): Promise<'lingered' | 'ended'> {
  try {
    while (heard.summary === undefined) await sleep(200, undefined, limit)
    await sleep(lingerMsMax, undefined, limit)
    return 'lingered'
  } catch {
    return 'ended'
  }
}

/** Children get a moment to follow their parent; who still runs after it was left behind. */
async function leftRunning(group: number): Promise<number[]> {
  for (let look = 0; look < 10; look++) {
    const running = runningInGroup(group)
    if (running.length === 0) return []
    await sleep(200)
  }
  return runningInGroup(group)
}

function judge(
  heard: Heard,
  ending: 'ended' | 'hung' | 'lingered',
  leftCount: number,
  child: ChildProcess,
): Omit<FileResult, 'file' | 'tookMs'> {
  const complaint = complaintOf(heard, ending, leftCount, child)
  const counts = heard.summary ?? { passed: 0, failed: heard.failures.length, skipped: 0 }
  const failures = complaint === undefined ? heard.failures : [...heard.failures, { name: '(the file)', reason: complaint }]
  return {
    passed: counts.passed,
    failed: counts.failed + (complaint === undefined ? 0 : 1),
    skipped: counts.skipped,
    failures,
    skips: heard.skips,
    coverage: heard.coverage,
    output: heard.output,
  }
}

function complaintOf(heard: Heard, ending: string, leftCount: number, child: ChildProcess): string | undefined {
  if (ending === 'hung') return 'was killed: it did not end within its bound'
  if (ending === 'lingered') return 'was killed: its tests ended, but something was left open'
  if (heard.summary === undefined) return `ended without a summary (${child.signalCode ?? child.exitCode ?? 'not started'})`
  const { passed, failed, skipped } = heard.summary
  if (passed + failed + skipped === 0) return 'holds no test'
  if (leftCount > 0) return `left ${leftCount} process(es) running`
  return undefined
}

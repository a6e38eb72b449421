import { resolve } from 'node:path'
import { systemClock, systemRandom } from '@ngome/kernel'
import type { Platform } from '@ngome/testkit'
import { Misuse, type Context } from '../command.ts'
import { plainText } from '../plain-text.ts'
import { runLine } from '../run-line.ts'

/**
 * Types a line behind `ngome`, without a terminal, and reads what it answers. It runs in this process: a start of Node for
 * each of a hundred lines takes longer than all that they do. `up.test.ts` and `verify.test.ts` type theirs to processes.
 */
export async function typeLine(platform: Platform, ...args: readonly string[]): Promise<Awaited<ReturnType<Platform['run']>>> {
  const written = { stdout: '', stderr: '' }
  const context: Context = {
    env: platform.environment(),
    root: resolve(import.meta.dirname, '..', '..'),
    clock: systemClock,
    random: systemRandom,
    out: (line) => { written.stdout += `${plainText(line)}\n` },
    err: (line) => { written.stderr += `${plainText(line)}\n` },
    interrupted: new AbortController().signal,
    onReload: () => undefined,
    askSecret: (question) => Promise.reject(new Misuse(`"${question}" is asked at a terminal, and there is none`)),
    isTerminal: false,
  }
  const code = await runLine(args, context, () => context)
  return { code, ...written }
}

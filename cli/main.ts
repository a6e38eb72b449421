import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { systemClock, systemRandom } from '@ngome/kernel'
import { askSecret } from './ask-secret.ts'
import { exitCodes, type Command, type Context } from './command.ts'
import { plainText } from './plain-text.ts'
import { runLine } from './run-line.ts'
import { watchSignals } from './signals.ts'

/** A reader that goes away, as `head` does, is no failure of ours. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const out = (line: string): void => void process.stdout.write(`${plainText(line)}\n`)
const err = (line: string): void => void process.stderr.write(`${plainText(line)}\n`)

process.exitCode = await runLine(process.argv.slice(2), { out, err }, worldOf)

function worldOf(command: Command): Context {
  const { interrupted, insisted, onReload } = watchSignals(process, [0, 1, 2].some((fd) => isatty(fd)), () => performance.now())
  // What runs below us dies with us, by its channel and by the kernel.
  insisted.addEventListener('abort', () => process.exit(exitCodes.failed))
  if (command.endsItself !== true) interrupted.addEventListener('abort', () => process.exit(exitCodes.failed))
  return {
    env: process.env,
    root: fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''),
    clock: systemClock,
    random: systemRandom,
    out, err, interrupted, onReload,
    askSecret: (question) => askSecret(process.stdin, process.stderr, question),
    isTerminal: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  }
}

import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { Fault, systemClock, systemRandom } from '@ngome/kernel'
import { askSecret } from './ask-secret.ts'
import { exitCodes, Misuse, type Context, type ExitCode } from './command.ts'
import { commandNames, commandsFor } from './commands.ts'
import { commandHelp, overviewHelp } from './help.ts'
import { nameIn, parseCommandLine } from './parse-command-line.ts'
import { plainText } from './plain-text.ts'
import { watchSignals } from './signals.ts'

/** A reader that goes away, as `head` does, is no failure of ours. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const out = (line: string): void => void process.stdout.write(`${plainText(line)}\n`)
const err = (line: string): void => void process.stderr.write(`${plainText(line)}\n`)

process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<ExitCode> {
  try {
    const line = parseCommandLine(await commandsFor(args), args)
    if (line.kind !== 'run') {
      out(line.kind === 'help' ? commandHelp(line.command) : overviewHelp(line.commands))
      return exitCodes.done
    }
    const { interrupted, insisted, onReload } = watchSignals(process, [0, 1, 2].some((fd) => isatty(fd)), () => performance.now())
    // What runs below us dies with us, by its channel and by the kernel.
    insisted.addEventListener('abort', () => process.exit(exitCodes.failed))
    if (line.command.endsItself !== true) interrupted.addEventListener('abort', () => process.exit(exitCodes.failed))
    const context: Context = {
      env: process.env,
      root: fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''),
      clock: systemClock,
      random: systemRandom,
      out, err, interrupted, onReload,
      askSecret: (question) => askSecret(process.stdin, process.stderr, question),
      isTerminal: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    }
    return await line.command.run(context, line.given)
  } catch (error) {
    return tellFailure(error, args)
  }
}

function tellFailure(error: unknown, args: readonly string[]): ExitCode {
  if (error instanceof Misuse) {
    const name = nameIn(commandNames, args)
    err(`ngome: ${error.message}\n${name === undefined ? 'ngome --help lists the commands' : `ngome ${name} --help says what it takes`}`)
    return exitCodes.misuse
  }
  if (error instanceof Fault) {
    err(`ngome: ${error.message}${causes(error)}`)
    return exitCodes.failed
  }
  throw error
}

/** What lies behind a fault, in the words of whoever met it first. */
function causes(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message}${causes(error.cause)})` : ''
}

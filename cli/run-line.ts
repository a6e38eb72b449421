import { Fault } from '@ngome/kernel'
import { exitCodes, Misuse, type Command, type Context, type ExitCode } from './command.ts'
import { commandNames, commandsFor } from './commands.ts'
import { commandHelp, overviewHelp } from './help.ts'
import { nameIn, parseCommandLine } from './parse-command-line.ts'

/**
 * Reads what was typed behind `ngome`, and does it. What the person can act on is said in a line or two; a bug is thrown.
 * @param contextFor makes the world of a command that is about to run
 */
export async function runLine(
  args: readonly string[], { out, err }: Pick<Context, 'out' | 'err'>, contextFor: (command: Command) => Context,
): Promise<ExitCode> {
  try {
    const line = parseCommandLine(await commandsFor(args), args)
    if (line.kind !== 'run') {
      out(line.kind === 'help' ? commandHelp(line.command) : overviewHelp(line.commands))
      return exitCodes.done
    }
    return await line.command.run(contextFor(line.command), line.given)
  } catch (error) {
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
}

/** What lies behind a fault, in the words of whoever met it first. */
function causes(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message}${causes(error.cause)})` : ''
}

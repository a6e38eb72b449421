import type { Clock, Random, Secret } from '@ngome/kernel'

/** What every command answers to the shell: done, failed, or not understood. */
export const exitCodes = { done: 0, failed: 1, misuse: 2 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What a command may use of the world; main.ts makes it, a test makes its own. */
export type Context = {
  /** The environment, read by `main.ts` alone. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder of the clone, with the code and `node_modules`. */
  readonly root: string
  readonly clock: Clock
  readonly random: Random
  /** One line to standard output: what was asked for. */
  readonly out: (line: string) => void
  /** One line to standard error: progress, and why something failed. */
  readonly err: (line: string) => void
  readonly isTerminal: boolean
  /** Asks the person at the terminal for something that is not shown as it is typed. */
  readonly askSecret: (question: string) => Promise<Secret<string>>
  /** Aborts on the first Ctrl-C, SIGTERM, or death of the process that started us. */
  readonly interrupted: AbortSignal
  /** Calls the listener for each SIGHUP that asks a program without a terminal to read its configuration anew. */
  readonly onReload: (listener: () => void) => void
}

export type Option = {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in the usage line, as in `--name NAME`; strings only. */
  readonly value?: string
  readonly about: string
  readonly isRequired?: boolean
}

export type Operand = { readonly name: string; readonly about: string; readonly isRequired: boolean }

/** What was given: every operand and option is a string or a flag; meaning is the command's to check. */
export type Given = {
  readonly operands: Readonly<Record<string, string | undefined>>
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  /** `--json` was given: standard output carries JSON and nothing else. */
  readonly isJson: boolean
}

export type Command = {
  /** As it is typed: `merchants add`. */
  readonly name: string
  readonly summary: string
  readonly operands: readonly Operand[]
  readonly options: Readonly<Record<string, Option>>
  /** It ends in order when interrupted; others end at once. */
  readonly endsItself?: true
  readonly run: (context: Context, given: Given) => Promise<ExitCode>
}

/** The command was called in a way that it does not know; the text says what to write instead. */
export class Misuse extends Error {
  override readonly name = 'Misuse'
}

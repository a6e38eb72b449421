import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { Misuse, type Command, type Given } from './command.ts'
import { nearest } from '@ngome/runtime'

/** Reads what follows `ngome` into a command and what it was given. */
export type CommandLine =
  | { readonly kind: 'run'; readonly command: Command; readonly given: Given }
  | { readonly kind: 'help'; readonly command: Command }
  /** All commands, or those that begin with the words that were given. */
  | { readonly kind: 'overview'; readonly commands: readonly Command[] }

/**
 * Finds the command, longest name first, and reads its options and operands.
 * @throws Misuse for an unknown command or option, a missing or a surplus operand
 */
export function parseCommandLine(commands: readonly Command[], args: readonly string[]): CommandLine {
  const named = nameIn(commands.map(({ name }) => name), args)
  const command = commands.find(({ name }) => name === named)
  if (command === undefined) return helpOrMisuse(commands, args, wordsOf(args))
  const rest = args.slice(command.name.split(' ').length)
  const { values, positionals } = readOptions(command, rest)
  if (values['help'] === true) return { kind: 'help', command }
  for (const [name, option] of Object.entries(command.options)) {
    if (option.isRequired === true && values[name] === undefined) throw new Misuse(`${command.name} needs --${name}`)
  }
  const { json, ...options } = values
  return { kind: 'run', command, given: { operands: readOperands(command, positionals), options, isJson: json === true } }
}

/** The command's name that stands at the beginning, the longest first; `undefined` where none does. */
export function nameIn(names: readonly string[], args: readonly string[]): string | undefined {
  const words = wordsOf(args)
  return [3, 2, 1].map((count) => words.slice(0, count).join(' ')).find((name) => names.includes(name))
}

/** The words before the first option name the command. */
function wordsOf(args: readonly string[]): readonly string[] {
  const firstOption = args.findIndex((arg) => arg.startsWith('-'))
  return firstOption === -1 ? args : args.slice(0, firstOption)
}

function helpOrMisuse(commands: readonly Command[], args: readonly string[], words: readonly string[]): CommandLine {
  const isHelp = words[0] === 'help'
  const given = (isHelp ? words.slice(1) : words).join(' ')
  const wantsHelp = isHelp || args.includes('--help') || args.includes('-h')
  const command = isHelp ? commands.find(({ name }) => name === given) : undefined
  if (command !== undefined) return { kind: 'help', command }
  if (given === '' && (wantsHelp || args.length === 0)) return { kind: 'overview', commands }
  const group = given === '' ? [] : commands.filter(({ name }) => name.startsWith(`${given} `))
  if (group.length > 0 && wantsHelp) return { kind: 'overview', commands: group }
  if (group.length > 0) throw new Misuse(`"${given}" is one of: ${group.map(({ name }) => name).join(', ')}`)
  const meant = nearest(given.split(' ').slice(0, 2).join(' '), commands.map(({ name }) => name))
  throw new Misuse(`there is no command "${given}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
}

function readOptions(command: Command, args: readonly string[]): { values: Given['options']; positionals: readonly string[] } {
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } }
  for (const [name, { type }] of Object.entries(command.options)) options[name] = { type }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    // No option is declared `multiple`, so that no value is a list.
    return { values: values as Given['options'], positionals }
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : 'an option was not understood', { cause: error })
  }
}

function readOperands(command: Command, given: readonly string[]): Given['operands'] {
  if (given.length > command.operands.length) throw new Misuse(`${command.name} does not take "${given[command.operands.length]}"`)
  const operands: Record<string, string | undefined> = {}
  for (const [at, { name, isRequired }] of command.operands.entries()) {
    if (isRequired && given[at] === undefined) throw new Misuse(`${command.name} needs ${name.toUpperCase()}`)
    operands[name] = given[at]
  }
  return operands
}

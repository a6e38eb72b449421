import type { Command } from './command.ts'

/** The page of one command. */
export function commandHelp(command: Command): string {
  const operands = command.operands.map(({ name, isRequired }) => isRequired ? name.toUpperCase() : `[${name.toUpperCase()}]`)
  const rows: [string, string][] = [
    ...command.operands.map(({ name, about }): [string, string] => [name.toUpperCase(), about]),
    ...Object.entries(command.options).map(([name, { value, about }]): [string, string] => (
      [value === undefined ? `--${name}` : `--${name} ${value}`, about]
    )),
    ['--json', 'print JSON and nothing else to standard output'],
    ['--help', 'print this page'],
  ]
  return [
    `usage: ngome ${[command.name, ...operands, '[OPTION…]'].join(' ')}`, '', command.summary, '',
    ...table(rows), '', 'Exit code: 0 done, 1 failed, 2 misuse.',
  ].join('\n')
}

/** The page of all commands, or of those that begin alike. */
export function overviewHelp(commands: readonly Command[]): string {
  return [
    'usage: ngome COMMAND [OPTION…]', '',
    ...table(commands.map(({ name, summary }) => [name, summary])), '',
    'ngome COMMAND --help prints a command\'s page. Data lies in $NGOME_DATA; configuration is ngome.json and NGOME_*.',
  ].join('\n')
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exitCodes, Misuse, type Command } from './command.ts'
import { allCommands, commandNames, commandsFor } from './commands.ts'
import { commandHelp, overviewHelp } from './help.ts'
import { originOf } from './operator/origins.ts'
import { parseCommandLine } from './parse-command-line.ts'

const commands = await allCommands()
const given = (...args: string[]) => parseCommandLine(commands, args)

test('reads a command of two words, its operand and its options', () => {
  const line = given('merchants', 'add', 'Two Words', '--json')
  assert.ok(line.kind === 'run')
  assert.deepEqual([line.command.name, line.given.operands, line.given.isJson], ['merchants add', { name: 'Two Words' }, true])
})

test('reads a command of three words', () => {
  const line = given('merchants', 'origins', 'add', 'mer_x', 'https://shop.example', '--world', 'live')
  assert.ok(line.kind === 'run')
  assert.deepEqual([line.command.name, line.given.operands], ['merchants origins add', { merchant: 'mer_x', origin: 'https://shop.example' }])
})

test('an origin is taken as browsers send it, and one that they would send otherwise is named', () => {
  assert.equal(originOf('https://shop.example', 'live'), 'https://shop.example')
  for (const [text, meant] of [
    ['https://B\u00fccher.example/pay?x', 'https://xn--bcher-kva.example'], ['HTTPS://Shop.Example:443/', 'https://shop.example'],
  ]) assert.throws(() => originOf(text, 'test'), (error) => error instanceof Misuse && error.message.endsWith(`did you mean ${meant}?`))
  for (const text of ['http://shop.example', '*', 'null', 'https://*.example', 'data:x', undefined]) {
    assert.throws(() => originOf(text, 'test'), (error) => error instanceof Misuse && !error.message.includes('mean'))
  }
  assert.throws(() => originOf('http://localhost:3000', 'live'), Misuse)
})

const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown command, with the nearest one', ['stauts'], /no command "stauts"; did you mean "status"\?/],
  ['an unknown second word', ['merchants', 'freze'], /did you mean "merchants freeze"\?/],
  ['half a command', ['keys'], /"keys" is one of: keys issue, keys list, keys roll, keys scan, keys revoke, keys ceremony, /],
  ['two thirds of a command', ['merchants', 'origins'], /"merchants origins" is one of: merchants origins add, /],
  ['what is near to nothing', ['xxxxxxxxxxxx'], /no command "xxxxxxxxxxxx"$/],
  ['an unknown option', ['status', '--jsn'], /jsn/],
  ['a missing operand', ['merchants', 'add'], /merchants add needs NAME/],
  ['a surplus operand', ['status', 'now'], /status does not take "now"/],
  ['a value for a flag', ['status', '--json=yes'], /json/],
  ['options before the command', ['--json', 'status'], /no command ""/],
]
for (const [what, args, message] of misuses) {
  test(`refuses ${what}`, () => {
    assert.throws(() => given(...args), (error) => error instanceof Misuse && message.test(error.message))
  })
}

test('no command line makes the parser fail otherwise than by misuse', () => {
  const word = fc.oneof(fc.constantFrom('merchants', 'add', 'keys', 'up', '--json', '--help', '--', '-h', 'help'), fc.string())
  fc.assert(fc.property(fc.array(word, { maxLength: 6 }), (args) => {
    try {
      parseCommandLine(commands, args)
    } catch (error) {
      return error instanceof Misuse
    }
    return true
  }))
})

test('every command has a help page of its own and a line in the overview', () => {
  for (const command of commands) {
    for (const args of [[...command.name.split(' '), '--help'], ['help', ...command.name.split(' ')]]) {
      assert.deepEqual(given(...args), { kind: 'help', command })
    }
    assert.match(commandHelp(command), new RegExp(`^usage: ngome ${command.name}`))
    assert.ok(overviewHelp(commands).includes(`  ${command.name} `))
    assert.match(command.summary, /\.$/)
  }
  for (const args of [[], ['--help'], ['-h'], ['help']]) assert.deepEqual(given(...args), { kind: 'overview', commands })
})

test('a command is loaded by its name alone, and all are where none is named', async () => {
  assert.deepEqual(commands.map(({ name }) => name), commandNames)
  assert.deepEqual(await commandsFor(['keys', 'list', 'mer_x', '--json']), commands.filter(({ name }) => name === 'keys list'))
  for (const args of [[], ['keys'], ['--help'], ['help', 'keys', 'list'], ['stauts'], ['constructor']]) assert.deepEqual(await commandsFor(args), commands)
})

test('the first words of several commands have a page of these', () => {
  for (const args of [['tls', 'pins', '--help'], ['help', 'tls', 'pins'], ['tls', 'pins', '-h']]) {
    const page = given(...args)
    assert.ok(page.kind === 'overview')
    assert.deepEqual(page.commands.map(({ name }) => name), ['tls pins add', 'tls pins remove', 'tls pins list'])
  }
})

test('asks for an option that has to be there', () => {
  const strict: Command = {
    name: 'strict', summary: '', operands: [], run: async () => exitCodes.done,
    options: { reason: { type: 'string', value: 'TEXT', about: '', isRequired: true } },
  }
  assert.throws(() => parseCommandLine([strict], ['strict']), Misuse)
  const line = parseCommandLine([strict], ['strict', '--reason', 'why not'])
  assert.ok(line.kind === 'run')
  assert.equal(line.given.options['reason'], 'why not')
})

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { paymentStatesDocument } from './payment-states-document.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = globSync('**/*.md', { cwd: root, exclude: (path) => /(^|\/)(node_modules|\.ngome|\.git)(\/|$)/.test(path) })
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

test('there are documents to look at', () => {
  assert.ok(documents.length >= 15, `${documents.length}`)
})

test('every link in a document leads somewhere', () => {
  assert.deepEqual(documents.flatMap((path) => deadLinks(path, read(path))), [])
})

test('a dead link and a dead anchor would be noticed', () => {
  assert.equal(deadLinks('README.md', '[x](docs/nowhere.md) ![y](nowhere.svg) [z](#no-such-heading)').length, 3)
})

test('the states of a payment are documented as they are: npm run generate:docs', () => {
  assert.equal(read('docs/payment-states.md'), paymentStatesDocument())
})

test('every npm command in a document exists', () => {
  assert.deepEqual(documents.flatMap((path) => unknownCommands(read(path)).map((name) => `${path}: ${name}`)), [])
})

test('an npm command that does not exist would be noticed', () => {
  assert.deepEqual(unknownCommands('Run `npm run nothing` and `npm test`.'), ['nothing'])
})

test('the README names the command of every script that a user runs', () => {
  const text = read('README.md')
  for (const command of ['npm start', 'npm test', 'npm run demo', 'npx ngome verify']) assert.ok(text.includes(command), command)
})

test('every room says what it is for', () => {
  const rooms = globSync(['packages/*', 'services/*', 'simulators/*', 'cli', 'bench', 'controls', 'scripts', 'simulation'], { cwd: root })
  assert.ok(rooms.length >= 15)
  assert.deepEqual(rooms.filter((room) => !existsSync(join(root, room, 'README.md'))), [])
})

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Links to the web are left alone: tests talk to nobody outside. */
function deadLinks(path: string, text: string): string[] {
  return [...text.replace(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    if (!existsSync(join(root, target))) return [`${path}: ${link}`]
    return anchor === undefined || anchors(read(target)).includes(anchor) ? [] : [`${path}: ${link}`]
  })
}

/** GitHub's anchors: lower case, spaces to hyphens, other punctuation away. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
    return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
  })
}

function unknownCommands(text: string): string[] {
  const lifecycle = [...text.matchAll(/\bnpm (start|test)\b/g)]
  const named = [...text.matchAll(/\bnpm run (?:--silent )?([a-z][a-z:-]*)/g)]
  return [...lifecycle, ...named].map(([, name = '']) => name).filter((name) => !(name in scripts))
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faults } from '@ngome/kernel'
import { readModules, type Module } from './architecture/read-modules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const table = 'packages/kernel/faults.ts'
const modules = readModules(root).filter(({ path, room }) => path !== table && room !== 'scripts')

test('every fault code is used by the product', () => {
  assert.deepEqual(Object.keys(faults).filter((code) => !mentions(code, false)), [])
})

test('every fault code appears in a test', () => {
  assert.deepEqual(Object.keys(faults).filter((code) => !mentions(code, true)), [])
})

test('every fault has a status that HTTP knows as an error, and a sentence for the outside', () => {
  for (const [code, { status, public: sentence }] of Object.entries(faults)) {
    assert.ok(status >= 400 && status < 600, code)
    assert.match(sentence, /^[A-Z].*\.$/, code)
  }
})

test('a code that nobody uses would be noticed', () => {
  assert.equal(mentions('nowhere/used', false), false)
})

function mentions(code: string, isTest: boolean): boolean {
  return modules.some((module: Module) => module.isTest === isTest && module.code.includes(`'${code}'`))
}

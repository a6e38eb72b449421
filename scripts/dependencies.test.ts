import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { computedSpecifier, readModules } from './architecture/read-modules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
type Manifest = Readonly<Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>>
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
const declared = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }

test('every dependency has its row in docs/dependencies.md, and every row its dependency', () => {
  const document = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8')
  const rows = [...document.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name ?? '')
  assert.deepEqual(rows.toSorted(), Object.keys(declared).toSorted())
})

test('every version is exact', () => {
  assert.deepEqual(Object.entries(declared).filter(([, version]) => !/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$/.test(version)), [])
})

test('every package that is imported is declared', () => {
  const undeclared = readModules(root).flatMap(({ path, imports }) => imports
    .filter(({ specifier, target }) => target === undefined && specifier !== computedSpecifier && !isBuiltin(specifier))
    .map(({ specifier }) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/'))
    .filter((name) => !(name in declared))
    .map((name) => `${path}: ${name}`))
  assert.deepEqual(undeclared, [])
})

test('the product imports no development dependency', () => {
  const taken = readModules(root)
    .filter(({ isTest, room }) => !isTest && !['scripts', 'bench', 'simulation', 'packages/testkit'].includes(room))
    .flatMap(({ path, imports }) => imports
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && specifier in manifest.devDependencies)
      .map(({ specifier }) => `${path}: ${specifier}`))
  assert.deepEqual(taken, [])
})

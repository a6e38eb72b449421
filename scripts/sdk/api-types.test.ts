import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiVersion, openApiDocument } from '../../services/gateway/api/openapi.ts'
import { apiFiles, type ApiDocument } from './api-types.ts'

const folder = join(import.meta.dirname, '..', '..', 'packages', 'sdk', 'api')
const document: ApiDocument = openApiDocument(apiVersion)
const files = apiFiles(document)

for (const [name, text] of Object.entries(files)) {
  test(`what the SDK knows of the API is what the gateway's document says: ${name}`, () => {
    assert.equal(readFileSync(join(folder, name), 'utf8'), text, 'run `npm run generate:sdk`')
  })
}

test('every operation that takes an API key is there, and no other', () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  const listed = [...files['routes.ts'].matchAll(/^ {2}(\w+): \{ method/gm)].map(([, name]) => name)
  assert.deepEqual(listed, operations.filter(({ security }) => security.length > 0).map(({ operationId }) => operationId).toSorted())
  assert.ok(listed.length >= 15)
})

test('a changed document would be noticed', () => {
  const [path = ''] = Object.keys(document.paths)
  const { [path]: methods, ...rest } = document.paths
  assert.notDeepEqual(apiFiles({ ...document, paths: { ...rest, [`${path}/moved`]: methods ?? {} } }), files)
  const { Payment: _, ...schemas } = document.components['schemas'] as Readonly<Record<string, object>>
  assert.notDeepEqual(apiFiles({ ...document, components: { schemas } }), files)
})

test('a form of schema that has no type is said, not guessed', () => {
  const unknown = { ...document, components: { schemas: { ...document.components['schemas'] as object, Payment: { type: 'tuple' } } } }
  assert.throws(() => apiFiles(unknown), /no type here/)
})

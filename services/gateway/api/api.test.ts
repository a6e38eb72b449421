import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { FaultCode } from '@ngome/kernel'
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts'
import { headerTable } from '../http/header-table.ts'
import { TestGateway } from '../testing/test-gateway.ts'
import { examples } from './examples.ts'
import { apiVersion, openApiDocument } from './openapi.ts'
import { commonFaults, operationNames, operations, type Operation } from './operations.ts'
import { referencePage } from './reference-page.ts'

const document = openApiDocument(apiVersion)

test('every example is what its schema says', () => {
  for (const name of operationNames) {
    const operation: Operation = operations[name]
    const { request, answer } = examples[name] ?? {}
    if (operation.body?.kind === 'json') operation.body.schema.parse(request)
    if (operation.success.schema !== undefined) operation.success.schema.parse(answer)
  }
})

test('the document holds every operation of the table, with all its codes', () => {
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  assert.deepEqual(described.map((one) => one.operationId).sort(), [...operationNames].sort())
  const text = JSON.stringify(document)
  for (const name of operationNames) {
    for (const code of operations[name].faults as readonly string[]) assert.ok(text.includes(code), code)
  }
})

test('every reference in the document leads somewhere', () => {
  const schemas = Object.keys(document.components['schemas'] as object)
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([A-Za-z]+)"/g)].map(([, name]) => name)
  assert.ok(references.length > 10)
  for (const name of references) assert.ok(name !== undefined && schemas.includes(name), `${name ?? 'a reference'} leads nowhere`)
})

test('an integrator sees which headers an operation takes, and how often, how long and of what', () => {
  const known = document['x-ngome-headers']
  assert.deepEqual(Object.values(known).flatMap((group) => Object.keys(group)).sort(), Object.keys(headerTable).sort())
  assert.deepEqual(known.credential['authorization'], { maxLength: 256, pattern: headerTable['authorization']?.pattern.source, comes: 'once' })
  for (const one of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    const operation: Operation = operations[one.operationId]
    assert.deepEqual([one['x-ngome-headers'], one['x-ngome-browsers'], one['x-ngome-cost']], [operation.headerGroups, operation.browsers === true, operation.cost])
  }
})

test('every field of the document carries its class', () => {
  const seen = { fields: 0 }
  walk(document.components['schemas'], seen)
  assert.ok(seen.fields > 30)
})

function walk(schema: unknown, seen: { fields: number }): void {
  if (typeof schema !== 'object' || schema === null) return
  const { properties } = schema as { properties?: Record<string, Record<string, unknown>> }
  for (const [name, property] of Object.entries(properties ?? {})) {
    const isLeaf = ['string', 'integer', 'number', 'boolean'].includes(String(property['type']))
    if (isLeaf) assert.ok('x-class' in property, name)
    seen.fields++
  }
  for (const inner of Object.values(schema)) walk(inner, seen)
}

test('the page names every operation and every public fault, and loads nothing', () => {
  const { html, contentSecurityPolicy } = referencePage(document)
  for (const name of operationNames) assert.match(html, new RegExp(`id="${name}"`))
  const codes = operationNames.flatMap((name): readonly FaultCode[] => operations[name].faults)
  for (const code of [...commonFaults, ...codes]) assert.ok(html.includes(`id="${code.replaceAll('/', '-')}"`), code)
  assert.doesNotMatch(html, /<script|<img|<link|<iframe|<form|\son[a-z]+=|style="/i)
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  assert.ok(contentSecurityPolicy.includes(`style-src 'sha256-${hash}'`))
  assert.doesNotMatch(contentSecurityPolicy, /unsafe/)
})

test('every link on the page leads to a place on it', () => {
  const { html } = referencePage(document)
  for (const [, target = ''] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(html.includes(`id="${target}"`), target)
})

let running: TestGateway
before(async () => running = await TestGateway.start())
after(() => running.close())

/** As a browser asks, with another local site's cookie. */
const browse = (target: string): Promise<RawAnswer> => rawRequest({ port: running.port, ca: running.custody.authority.pem }, [
  `GET ${target} HTTP/1.1`, 'Host: localhost:8443', 'Connection: keep-alive', 'Cache-Control: max-age=0',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"', 'sec-ch-ua-mobile: ?0', 'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1', 'User-Agent: Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
  'Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-User: ?1', 'Sec-Fetch-Dest: document', 'Sec-GPC: 1',
  'Accept-Encoding: gzip, deflate, br, zstd', 'Accept-Language: en-GB,en;q=0.9,lug;q=0.8', 'Cookie: other=site; a=b', '', '',
].join('\r\n'))

test('a browser gets page and document, with the same strict headers as all else', async () => {
  const page = await browse('/reference')
  assert.equal(page.status, 200, page.body)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  const openApi = await browse('/v1/openapi.json')
  assert.equal((JSON.parse(Buffer.from(openApi.body, 'latin1').toString('utf8')) as { openapi: string }).openapi, '3.1.0')
  for (const answer of [page, openApi, await browse('/favicon.ico')]) {
    assert.equal(answer.headers.get('strict-transport-security'), 'max-age=63072000; includeSubDomains')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    assert.deepEqual([answer.headers.get('server'), answer.headers.get('etag'), answer.headers.get('set-cookie')], [undefined, undefined, undefined])
  }
  for (const document of [page, openApi]) {
    assert.equal(document.headers.get('cross-origin-opener-policy'), 'same-origin')
    assert.equal(document.headers.get('cross-origin-embedder-policy'), 'require-corp')
    assert.match(document.headers.get('permissions-policy') ?? '', /camera=\(\)/)
    assert.equal(document.headers.get('cache-control'), 'public, max-age=300')
  }
})

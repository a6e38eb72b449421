import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeadControl, type RequestHead } from './control-head.ts'
import { groupBits, groupsOf, headerGroups, headerTable } from './header-table.ts'
import { headBytesMax, headerCountMax, targetLengthMax } from './limits.ts'

const control = new HeadControl(['localhost', 'API.example.com', '[::1]'])
const head = (rawHeaders: readonly string[], changes: Partial<RequestHead> = {}): RequestHead =>
  ({ method: 'GET', target: '/v1/payments', httpVersion: '1.1', rawHeaders: ['Host', 'localhost', ...rawHeaders], ...changes })
const isOk = (given: RequestHead): boolean => control.check(given).ok

/** One value for each header that its rule takes. */
const examples: Readonly<Record<string, string>> = {
  host: 'localhost:8443', connection: 'keep-alive', 'keep-alive': 'timeout=5', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'sec-fetch-user': '?1', 'sec-ch-ua-mobile': '?0', 'sec-gpc': '1', dnt: '1', 'upgrade-insecure-requests': '1', priority: 'u=0, i',
  'content-length': '17', 'save-data': 'on', 'access-control-request-headers': 'authorization,content-type', 'content-encoding': 'identity', expect: '100-continue',
}

for (const [name, rule] of Object.entries(headerTable)) {
  const value = examples[name] ?? 'a'
  test(`${name} is taken ${rule.isOften === true ? 'often' : 'once'}, in any case, within its length, and in no other form`, () => {
    const others = (spelling: string, ...values: string[]): readonly string[] => {
      const pairs = values.flatMap((one) => [spelling, one])
      return name === 'host' ? pairs : ['Host', 'localhost', ...pairs]
    }
    const checked = (rawHeaders: readonly string[]): boolean => control.check({ ...head([]), rawHeaders }).ok
    for (const spelling of [name, name.toUpperCase(), name.toLowerCase()]) assert.ok(checked(others(spelling, value)), spelling)
    assert.equal(checked(others(name, value, value)), rule.isOften === true, 'twice')
    assert.equal(checked([...others(name, value), name.toUpperCase(), value]), rule.isOften === true, 'twice, spelled otherwise')
    assert.ok(!checked(others(name, value.padEnd(rule.lengthMax + 1, value.slice(-1)))), 'too long')
    for (const bad of ['a\u0000b', 'a\tb', 'a\u007fb', 'a\u00e9b', 'a\rb', 'a\nb']) assert.ok(!checked(others(name, bad)), JSON.stringify(bad))
    const verdict = control.check({ ...head([]), rawHeaders: others(name, value) })
    assert.ok(verdict.ok && (verdict.groups & headerGroups[rule.group]) !== 0)
  })
}

test('hosts are compared without case and port, and a longer name is another', () => {
  for (const host of ['localhost', 'LOCALHOST', 'localhost:1', 'api.example.com:8443', 'Api.Example.Com', '[::1]:8443']) {
    assert.ok(control.check({ ...head([]), rawHeaders: ['host', host] }).ok, host)
  }
  for (const host of ['localhost.', 'xlocalhost', 'localhost.evil.example', 'example.com', '127.0.0.1', 'localhost:123456', '::1', '']) {
    assert.ok(!control.check({ ...head([]), rawHeaders: ['host', host] }).ok, host)
  }
})

test('what one request sent does not count against the next', () => {
  for (let count = 0; count < 3; count++) assert.ok(isOk(head(['Accept', '*/*', 'Authorization', 'Bearer x'])))
  assert.ok(!control.check({ ...head([]), rawHeaders: [] }).ok, 'the host of the request before is not this one\u2019s')
})

test('a refusal echoes at most a header\u2019s name, never a value', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 8 }), (name, value) => {
    const verdict = control.check(head([name, `planted-${value}`]))
    if (verdict.ok) return
    const said = JSON.stringify(verdict.fault.fields)
    assert.ok(!said.includes('planted-'))
    assert.match(said, /^[\x20-\x7e]*$/)
  }))
})

test('never throws, whatever the head', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(fc.property(fc.record({ method: text, target: text, httpVersion: text, rawHeaders: fc.array(text) }), (given) => {
    control.check(given)
  }))
})

test('decides on each head as one does that has seen no other before it', () => {
  const values = fc.constantFrom('localhost', 'evil.example', '1', '17', 'a', '', 'a b', ' a', 'a\u00e9', 'keep-alive', 'a'.repeat(600), 'identity', '?1')
  const headers = fc.array(fc.tuple(fc.constantFrom(...Object.keys(headerTable), 'Host', 'X-Other'), values), { maxLength: 6 })
  fc.assert(fc.property(fc.array(headers, { minLength: 2, maxLength: 8 }), (heads) => {
    const seasoned = new HeadControl(['localhost'])
    for (const each of heads) {
      const given = { ...head([]), rawHeaders: ['host', 'localhost', ...each.flat()] }
      const told = (one: HeadControl) => {
        const verdict = one.check(given)
        return verdict.ok ? verdict.groups : verdict.fault.message
      }
      assert.equal(told(seasoned), told(new HeadControl(['localhost'])))
    }
  }), { numRuns: 400 })
})

test('paths have one spelling', () => {
  for (const target of ['/', '/v1/payments', '/v1/openapi.json', '/v1/payments?limit=5&cursor=a-_%20', '/v1/payments/', '/favicon.ico']) {
    assert.ok(isOk(head([], { target })), target)
  }
  for (const target of ['', 'v1', '//v1', '/v1//payments', '/./v1', '/v1/..', '/v1/.', '/v1/%2e%2e/x', '/a b', '/a\\b', '/a;b', '/a?b?c', '/a#b',
    'http://localhost/', '*', '/\u00e9', `/${'a'.repeat(targetLengthMax)}`]) assert.ok(!isOk(head([], { target })), target)
})

test('as many headers as the bound, and not one more', () => {
  const names = Object.entries(headerTable).filter(([name]) => name !== 'host').map(([name]) => [name, examples[name] ?? 'a']).flat()
  assert.ok(names.length / 2 + 1 >= headerCountMax - 2, 'the table is about as long as the bound')
  assert.ok(isOk(head(names.slice(0, (headerCountMax - 1) * 2))))
  const verdict = control.check({ ...head([]), rawHeaders: Array.from({ length: (headerCountMax + 1) * 2 }, () => 'accept') })
  assert.ok(!verdict.ok && verdict.fault.message === 'too many headers')
})

test('groups are bits of their own', () => {
  const all = Object.keys(headerGroups) as (keyof typeof headerGroups)[]
  assert.equal(new Set(Object.values(headerGroups)).size, all.length)
  assert.equal(groupsOf(groupBits(all)), all.join(', '))
  assert.equal(groupsOf(0), '')
  assert.ok(Object.values(headerTable).every((rule) => rule.lengthMax < headBytesMax))
})

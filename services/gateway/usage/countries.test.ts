import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Countries } from './countries.ts'

const source = (ipv4: string, ipv6: string) => ({ ipv4: () => Promise.resolve(ipv4), ipv6: () => Promise.resolve(ipv6) })

async function loaded(ipv4: string, ipv6: string): Promise<{ countries: Countries; errors: unknown[] }> {
  const errors: unknown[] = []
  const countries = new Countries((error) => errors.push(error), source(ipv4, ipv6))
  await countries.load()
  return { countries, errors }
}

test('the installed table knows where addresses are registered', async () => {
  const countries = new Countries(assert.ifError)
  assert.equal(countries.find('41.210.128.1'), null, 'before it is read')
  await countries.load()
  const known = ['41.210.128.1', '105.160.1.1', '::ffff:8.8.8.8', '2001:4860:4860::8888', '196.192.73.1']
  assert.deepEqual(known.map((address) => countries.find(address)), ['UG', 'KE', 'US', 'US', 'TZ'])
  for (const nowhere of ['127.0.0.1', '10.1.2.3', '::1', 'fe80::1', '192.168.1.1', '240.0.0.1', 'no address', '', '41.210.128.1 ']) {
    assert.equal(countries.find(nowhere), null, nowhere)
  }
})

test('ranges hold their ends and nothing between them', async () => {
  const { countries } = await loaded('687865856,687865858,UG\n687865860,687865860,KE', '2c0f:f400::,2c0f:f400:ffff:ffff:ffff:ffff:ffff:ffff,TZ')
  const found = ['40.255.255.255', '41.0.0.0', '41.0.0.2', '41.0.0.3', '41.0.0.4', '41.0.0.5'].map((address) => countries.find(address))
  assert.deepEqual(found, [null, 'UG', 'UG', null, 'KE', null])
  assert.deepEqual(['2c0f:f400::1', '2c0f:f400:ffff::', '2c0f:f401::'].map((address) => countries.find(address)), ['TZ', 'TZ', null])
})

test('a network is the same in whichever form the table writes its address', async () => {
  const forms = ['2c0f:f400::', '2c0f:f400:0:0::', '2c0f:f400:0:0:0:0:0:0', '2C0F:F400::', '2c0f:f400::0:0', '2c0f:f400:0::0']
  for (const first of forms) {
    const { countries, errors } = await loaded('1,2,UG', `${first},2c0f:f400:0:7::,TZ\n2c0f:f400:1:2:3::,2c0f:f400:1:2:ffff:ffff:ffff:ffff,KE`)
    assert.deepEqual(errors, [])
    const found = ['2c0f:f3ff:ffff::', '2c0f:f400::1', '2c0f:f400:0:7::1', '2c0f:f400:0:8::', '2c0f:f400:1:2::9'].map((address) => countries.find(address))
    assert.deepEqual(found, [null, 'TZ', 'TZ', null, 'KE'], first)
  }
  for (const none of ['2c0f:f400:1', '2c0f:f400:::', '2c0f:f400:12345::', '1:2:3:4:5:6:7:8:9', '::2001::', 'g::']) {
    assert.equal((await loaded('1,2,UG', `${none},2c0f:f400:0:7::,TZ`)).errors.length, 1, none)
  }
})

const broken: readonly (readonly [string, string])[] = [
  ['a line without a country', '687865856,687865858,\n'], ['lines out of order', '687865860,687865860,KE\n687865856,687865858,UG'],
  ['no table at all', ''],
]
for (const [what, text] of broken) {
  test(`with ${what} every country is unknown, and that is said once`, async () => {
    const { countries, errors } = await loaded(text, text)
    await countries.load()
    assert.equal(countries.find('41.0.0.1'), null)
    assert.equal(errors.length, 1)
  })
}

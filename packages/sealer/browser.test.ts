import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chromiumPath, runInChromium, VaultReader } from '@ngome/testkit'

const chromium = chromiumPath()
const packages = ['@noble/hashes', '@noble/post-quantum', '@noble/curves']
const number = '4242 4242 4242 4242'

for (const suite of ['hybrid', 'fips'] as const) {
  test(`a page in a real browser seals in ${suite} what the product opens, and refuses a key that somebody else signed`, {
    skip: chromium === undefined ? 'Chromium is not here (package chromium)' : false,
  }, async () => {
    const reader = await VaultReader.create(suite)
    const { key, pin } = reader
    const expected = JSON.stringify({ statementKey: pin, ...key.tenant, suites: [suite], nowMs: key.notBeforeMs })
    const script = `
      import { VaultKey } from '/packages/sealer/mod.ts'
      const key = await VaultKey.verify(${JSON.stringify(reader.statement())}, ${expected})
      const forged = await VaultKey.verify(${JSON.stringify(reader.forgedStatement())}, ${expected}).then(() => 'taken', ({ code }) => code)
      const sealed = await key.seal('card_number', ${JSON.stringify(number)})
      answer(JSON.stringify({ id: key.id, forged, sealed, browser: navigator.userAgent }))`
    const answer = await runInChromium(chromium ?? '', script, packages)
    assert.ok(!answer.startsWith('failed'), answer)
    const { id, forged, sealed, browser } = JSON.parse(answer) as Record<string, string>
    assert.deepEqual([id, forged], [key.keyId, 'statement_refused'])
    assert.match(browser ?? '', /Chrome\//)
    assert.equal(await reader.open(sealed ?? '', 'card_number'), number)
  })
}

test('a page that fails says so', { skip: chromium === undefined ? 'Chromium is not here (package chromium)' : false }, async () => {
  assert.match(await runInChromium(chromium ?? '', `import '/packages/sealer/nowhere.ts'`, packages), /^failed/)
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { chromiumPath, runInChromium } from '@ngome/testkit'
import { keyOf, publishableKeyOf } from './testing/key.ts'

const chromium = chromiumPath()
const skip = chromium === undefined ? 'Chromium is not here (package chromium)' : false

/** Whatever the page tries to reach is counted; nothing of it leaves the page. */
const prelude = `
  import { Ngome, SigningKey, decryptJwe, verifyWebhook } from '/packages/sdk/browser/mod.ts'
  const page = globalThis.fetch
  const asked = []
  globalThis.fetch = (url, init) => {
    asked.push({ url, credentials: init.credentials, redirect: init.redirect, headers: init.headers })
    return Promise.resolve(new Response('{"object":"list","data":[]}', { headers: { 'content-type': 'application/json' } }))
  }
  const say = (value) => page('/answer', { method: 'POST', body: JSON.stringify(value) })
  const failure = (work) => { try { work(); return 'made' } catch ({ code }) { return code } }
  const later = (promise) => promise.then(() => 'done', ({ code, message }) => code ?? message)
  const options = { baseUrl: 'https://api.example.com', onWarning: () => undefined }`

suite('in a page of a real browser', { skip }, () => {
  test('a secret key throws before any request, pins are not possible, a publishable key is used without cookies', async () => {
    const answer = await runInChromium(chromium ?? '', `${prelude}
      const secret = failure(() => new Ngome({ ...options, apiKey: ${JSON.stringify(keyOf())} }))
      const apiKey = ${JSON.stringify(publishableKeyOf())}
      const pins = failure(() => new Ngome({ ...options, apiKey, pins: ['${'A'.repeat(43)}='] }))
      const plain = failure(() => new Ngome({ ...options, apiKey, baseUrl: 'http://api.example.com' }))
      const before = asked.length
      const ngome = new Ngome({ ...options, apiKey })
      await ngome.vault.keys()
      const shown = JSON.stringify(ngome) + String(ngome)
      say({ secret, pins, plain, before, asked, isShown: shown.includes(apiKey) })`, [])
    assert.ok(!answer.startsWith('failed'), answer)
    const { asked: [request], ...rest } = JSON.parse(answer) as { readonly asked: readonly Readonly<Record<string, string>>[] }
    assert.deepEqual(rest, { secret: 'sdk/configuration', pins: 'sdk/configuration', plain: 'sdk/configuration', before: 0, isShown: false })
    assert.deepEqual([request?.['url'], request?.['credentials'], request?.['redirect']], ['https://api.example.com/v1/vault/keys', 'omit', 'manual'])
    assert.deepEqual(Object.keys(request?.['headers'] ?? {}), ['accept', 'authorization'])
  })

  test('a redirect is not followed, and an answer too large is not read', async () => {
    const answer = await runInChromium(chromium ?? '', `${prelude}
      const ngome = new Ngome({ ...options, apiKey: ${JSON.stringify(publishableKeyOf())}, retriesMax: 0 })
      globalThis.fetch = () => Promise.resolve(Response.redirect('https://attacker.example/', 302))
      const redirect = await later(ngome.vault.keys())
      let pulled = 0
      globalThis.fetch = () => Promise.resolve(new Response(new ReadableStream({ pull: (to) => { pulled++; to.enqueue(new Uint8Array(1_048_576)) } })))
      const large = await later(ngome.vault.keys())
      globalThis.fetch = () => Promise.reject(new TypeError('Failed to fetch'))
      const away = await later(ngome.vault.keys())
      say({ redirect, large, away, isBounded: pulled < 10 })`, [])
    assert.deepEqual(JSON.parse(answer), {
      redirect: 'sdk/redirect_refused', large: 'sdk/answer_too_large', away: 'sdk/connection_failed', isBounded: true,
    })
  })
})

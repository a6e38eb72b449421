import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { newId, Secret, systemClock, systemRandom, toBase64Url } from '@ngome/kernel'
import { newCheckoutLink, parseCheckoutLink } from '@ngome/signatures'
import { checkoutHost, makeSession, Payer, stateIn, type Page } from '../testing/payer.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

/** A page must come over a slow network to a cheap phone. */
const pageBytesMax = 50_000

let running: TestGateway
let merchant: TestMerchant
let payer: Payer
let token = ''
before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  payer = new Payer(running)
  token = (await makeSession(merchant)).token
})
after(() => running.close())

let phones = 0
const phone = (): string => `+4672${String(1_000_000 + ++phones)}`
const tries = async (): Promise<number> => Number((await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.checkout_tries'))[0]?.['n'])
const metadata = (site: string, mode: string, dest: string): readonly string[] =>
  [`Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`, `Sec-Fetch-Dest: ${dest}`]

describe('a token that leads nowhere is answered the same, whatever is wrong with it', () => {
  test('whether it was invented, is another kind of thing, or was one of ours', async () => {
    const flipped = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    const ours = newCheckoutLink(running.custody.secret('callback'), systemRandom).token.expose((text) => text)
    const wrong = ['x', token.slice(0, 20), `${token}A`, flipped, 'A'.repeat(48), toBase64Url(systemRandom.bytes(36)), ours, newId('checkoutSession', { clock: systemClock, random: systemRandom })]
    const said = new Set<string>()
    for (const guess of wrong) {
      const page = await payer.get(`/c/${guess}`)
      assert.equal(page.status, 404, guess)
      assert.equal(stateIn(page), undefined)
      said.add(page.text)
      assert.equal((JSON.parse((await payer.get(`/c/${guess}/state`)).text) as { code: string }).code, 'checkout/link_unknown')
      assert.equal((await payer.pay(guess, { phone: phone() })).status, 404)
    }
    assert.equal(said.size, 1)
  })

  test('and no bit of it may differ', () => {
    const secret = new Secret(systemRandom.bytes(32))
    const link = newCheckoutLink(secret, systemRandom).token.expose((text) => text)
    const bytes = Buffer.from(link, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes, (byte, at) => at === bit >> 3 ? byte ^ 1 << (bit & 7) : byte)
      assert.equal(parseCheckoutLink(secret, toBase64Url(flipped)), undefined)
    }
    assert.ok(parseCheckoutLink(secret, link) !== undefined)
    assert.equal(parseCheckoutLink(new Secret(systemRandom.bytes(32)), link), undefined)
  })
})

describe('an origin of its own', () => {
  test('serves no operation of the API, and the API\u2019s serves no page', async () => {
    for (const line of ['GET /v1/payments', 'GET /v1/openapi.json', 'GET /reference', 'POST /v1/checkout_sessions', 'GET /', 'GET /favicon.ico', 'GET /c/', 'GET /c/a/b']) {
      const page = await payer.send(line)
      assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/html; charset=utf-8'], line)
    }
    const elsewhere = await payer.send(`GET /c/${token}`, [], '', 'localhost:8443')
    assert.deepEqual([elsewhere.status, elsewhere.headers.get('content-type')], [404, 'application/problem+json'])
    for (const host of ['evil.example', 'checkout.localhost.evil.example', '127.0.0.1.checkout.localhost']) {
      assert.equal((await payer.send(`GET /c/${token}`, [], '', host)).status, 400, host)
    }
    assert.equal((await payer.send(`GET /c/${token}`, [], '', 'CHECKOUT.localhost')).status, 200, 'names have no case')
  })

  test('takes no key: one that is sent there is refused, so that nobody learns to', async () => {
    assert.equal((await payer.get(`/c/${token}`, `Authorization: Bearer ${merchant.key}`)).status, 400)
  })

  test('says the same strict headers with every page, and sets no cookie', async () => {
    const pages = [
      await payer.get(`/c/${token}`), await payer.get('/c/nowhere'), await payer.get('/x'), await payer.pay(token, { network: 'x' }),
      await payer.get(`/c/${token}`, 'Authorization: x'), await payer.send(`PUT /c/${token}`),
    ]
    assert.deepEqual(pages.map(({ status }) => status), [200, 404, 404, 422, 400, 405])
    for (const { headers } of pages) {
      const policy = headers.get('content-security-policy') ?? ''
      for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"]) {
        assert.ok(policy.split('; ').includes(rule), `${rule}: ${policy}`)
      }
      assert.doesNotMatch(policy, /unsafe|https?:|data:|\*/)
      for (const [name, value] of [
        ['cache-control', 'no-store'], ['referrer-policy', 'no-referrer'], ['cross-origin-opener-policy', 'same-origin'], ['x-content-type-options', 'nosniff'],
        ['x-frame-options', 'DENY'], ['strict-transport-security', 'max-age=63072000; includeSubDomains'], ['cross-origin-embedder-policy', 'require-corp'],
      ] as const) assert.equal(headers.get(name), value, name)
      assert.deepEqual([headers.get('set-cookie'), headers.get('access-control-allow-origin'), headers.get('server')], [undefined, undefined, undefined])
    }
  })
})

describe('a page in another site\u2019s hands', () => {
  const visits: readonly (readonly [how: string, line: string, headers: readonly string[]])[] = [
    ['in a frame', 'GET /c/%', metadata('cross-site', 'navigate', 'iframe')],
    ['as an image', 'GET /c/%', metadata('cross-site', 'no-cors', 'image')],
    ['by a script', 'GET /c/%', metadata('cross-site', 'cors', 'empty')],
    ['where things stand, by a script', 'GET /c/%/state', metadata('cross-site', 'cors', 'empty')],
    ['where things stand, as a script', 'GET /c/%/state', metadata('same-site', 'no-cors', 'script')],
  ]
  for (const [how, line, headers] of visits) {
    test(`is not shown ${how}`, async () => assert.equal((await payer.send(line.replace('%', token), headers)).status, 403))
  }

  const forms: readonly (readonly [how: string, headers: readonly string[]])[] = [
    ['by a form of another site', [...metadata('cross-site', 'navigate', 'document'), 'Origin: https://evil.example']],
    ['by a form in a sandbox', [...metadata('cross-site', 'navigate', 'document'), 'Origin: null']],
    ['by a form of a sibling', [...metadata('same-site', 'navigate', 'document'), 'Origin: https://shop.localhost:8443']],
    ['by a form in a frame', [...metadata('same-origin', 'navigate', 'iframe'), `Origin: https://${checkoutHost}`]],
    ['by a script', metadata('cross-site', 'no-cors', 'empty')],
    ['by an older browser, of another origin', ['Origin: https://evil.example']],
    ['by an older browser, over plain HTTP', ['Origin: http://checkout.localhost:8443']],
  ]
  for (const [how, headers] of forms) {
    test(`is not paid ${how}`, async () => {
      const before = await tries()
      assert.equal((await payer.pay(token, { phone: phone() }, ...headers)).status, 403)
      assert.equal(await tries(), before)
    })
  }

  test('opens by a link anywhere, and its own form is taken, whether or not the browser names its origin', async () => {
    assert.equal((await payer.get(`/c/${token}?fbclid=IwAR0_x-y.z`, ...metadata('cross-site', 'navigate', 'document'), 'Save-Data: on', 'X-Requested-With: com.whatsapp')).status, 200)
    for (const origin of ['null', `https://${checkoutHost}`]) {
      const own = await makeSession(merchant)
      assert.equal((await payer.pay(own.token, { phone: phone() }, ...metadata('same-origin', 'navigate', 'document'), `Origin: ${origin}`)).status, 303)
    }
  })
})

describe('a form', () => {
  const bad: readonly (readonly [what: string, body: string, status: number, type?: string])[] = [
    ['of JSON', '{"phone":"+46733123499"}', 415, 'application/json'],
    ['of parts', 'x', 415, 'multipart/form-data; boundary=x'],
    ['with a field twice', 'try=1&lang=en&network=mtn-sandbox&phone=%2B46733123499&phone=%2B46733123498', 422],
    ['with a field more', 'try=1&lang=en&network=mtn-sandbox&phone=%2B46733123499&amount=1', 422],
    ['that names a prototype', 'try=1&lang=en&network=__proto__&phone=%2B46733123499', 422],
    ['without its try', 'lang=en&network=mtn-sandbox&phone=%2B46733123499', 422],
    ['with another try', 'try=1e0&lang=en&network=mtn-sandbox&phone=%2B46733123499', 422],
    ['with a number of another country', 'try=1&lang=en&network=mtn-sandbox&phone=%2B256772123456', 422],
    ['with a number that is none', 'try=1&lang=en&network=mtn-sandbox&phone=12', 422],
    ['with letters', 'try=1&lang=en&network=mtn-sandbox&phone=073312349O', 422],
    ['with bytes that are no text', 'try=1&lang=en&network=mtn-sandbox&phone=%ff%fe', 422],
    ['with a line end', 'try=1&lang=en&network=mtn-sandbox&phone=%0d%0aSet-Cookie:x', 422],
    ['that is too long', `try=1&lang=en&network=mtn-sandbox&phone=${'1'.repeat(1_024)}`, 413],
    ['that is empty', '', 422],
  ]
  for (const [what, body, status, type = 'application/x-www-form-urlencoded'] of bad) {
    test(`${what} asks nobody`, async () => {
      const before = await tries()
      const page = await payer.send(`POST /c/${token}`, [`Content-Type: ${type}`, `Content-Length: ${body.length}`], body)
      assert.equal(page.status, status, page.text.slice(0, 300))
      assert.equal(page.headers.get('set-cookie'), undefined)
      assert.equal(await tries(), before)
    })
  }

  test('in a language that there is not, or that is an injection, comes back in English, and in no header', async () => {
    const own = await makeSession(merchant)
    const page = await payer.pay(own.token, { phone: phone(), lang: 'fr\r\nSet-Cookie: a=b' })
    assert.deepEqual([page.status, page.headers.get('location'), page.headers.get('set-cookie')], [303, `/c/${own.token}?lang=en`, undefined])
    for (const lang of ['..%2f..', '%22%3E%3Cscript%3E', 'xx', 'EN']) {
      const shown = await payer.get(`/c/${token}?lang=${lang}`)
      assert.deepEqual([shown.status, shown.headers.get('content-language')], [200, 'en'], lang)
    }
  })
})

describe('whatever others wrote stays text', () => {
  const texts = ['"><script>alert(1)</script>', "'-alert(1)-'", '<img src=x onerror=alert(1)>', '&lt;b&gt;', '{{7*7}}', '\u202Egnp.exe', '</style><svg onload=alert(1)>']
  test('the merchant\u2019s name, and what somebody typed as a number', async () => {
    const usual = tagsOf(await payer.pay(token, { phone: '12' }))
    for (const text of texts) {
      await running.database.asAdmin('UPDATE ngome.merchants SET name = $2 WHERE id = $1', [merchant.tenant.merchant, text.slice(0, 100)])
      const pages = [await payer.get(`/c/${token}`), await payer.pay(token, { phone: text })]
      assert.equal(pages[1]?.status, 422)
      for (const page of pages) assert.ok(tagsOf(page).every((tag) => usual.includes(tag)), tagsOf(page).join())
      for (const { text: html } of pages) assert.doesNotMatch(html, /<script>alert|onerror=alert\(1\)>|<svg onload/)
    }
    await running.database.asAdmin('UPDATE ngome.merchants SET name = $2 WHERE id = $1', [merchant.tenant.merchant, 'Test'])
  })

  const tagsOf = ({ text }: Page): readonly string[] => [...new Set([...text.matchAll(/<([a-z0-9]+)/g)].map(([, tag = '']) => tag))]

  test('details that somebody else wrote into the database are not shown', async () => {
    const [mine, other] = [await makeSession(merchant, { cancel_url: 'https://evil.example/' }), await makeSession(merchant)]
    await running.database.asAdmin('ALTER TABLE ngome.checkout_sessions DISABLE TRIGGER guard')
    await running.database.asAdmin('UPDATE ngome.checkout_sessions SET details = (SELECT details FROM ngome.checkout_sessions WHERE id = $1) WHERE id = $2', [mine.id, other.id])
    await running.database.asAdmin('ALTER TABLE ngome.checkout_sessions ENABLE TRIGGER guard')
    const page = await payer.get(`/c/${other.token}`)
    assert.equal(page.status, 500)
    assert.doesNotMatch(page.text, /evil/)
    await running.database.asAdmin('UPDATE ngome.checkout_sessions SET details = NULL WHERE id = $1', [other.id])
    assert.equal((await payer.get(`/c/${other.token}`)).status, 200, 'what was forgotten is left out')
  })
})

test('a stranger\u2019s phone rings three times, whatever links somebody has, and then the page says to wait', async () => {
  const stranger = phone()
  const seen: number[] = []
  for (let count = 0; count < 5; count++) {
    const own = await makeSession(merchant)
    const page = await payer.pay(own.token, { phone: stranger })
    seen.push(page.status)
    if (page.status === 429) assert.ok(Number(page.headers.get('retry-after')) > 100 && page.text.includes('Too many tries'))
  }
  assert.deepEqual(seen, [303, 303, 303, 429, 429])
  assert.equal((await payer.pay((await makeSession(merchant)).token, { phone: phone() })).status, 303, 'others pay')
})

test('an address that guesses links, or asks for too much, is told to wait', async () => {
  // A bucket is no fuller than the life of its process could fill it, and this one just began.
  const monotonicMs = (): number => 3_600_000 + performance.now()
  const slow = await TestGateway.start({ beside: running, monotonicMs, config: (config) => ({ ...config, limits: { ...config.limits, address: { ratePerS: 1, burst: 100 }, failureCost: 20 } }) })
  try {
    const attacker = new Payer(slow)
    const seen = new Set<number>()
    for (let count = 0; count < 8; count++) seen.add((await attacker.get(`/c/${toBase64Url(systemRandom.bytes(36))}`)).status)
    assert.deepEqual([...seen], [404, 429])
    const page = await attacker.get(`/c/${token}`)
    assert.deepEqual([page.status, page.headers.get('content-type')], [429, 'text/html; charset=utf-8'])
    assert.ok(Number(page.headers.get('retry-after')) >= 1)
  } finally {
    await slow.close()
  }
})

test('a page weighs little, is one document, and fetches nothing', async () => {
  const weights: Record<string, readonly [number, number]> = {}
  const own = await makeSession(merchant, { description: 'x'.repeat(160), cancel_url: `https://shop.example/${'a'.repeat(400)}` })
  for (const lang of ['en', 'fr', 'sw', 'lg']) weights[`open ${lang}`] = weigh(await payer.get(`/c/${own.token}?lang=${lang}`))
  await payer.pay(own.token, { phone: phone() })
  weights['waiting'] = weigh(await payer.get(`/c/${own.token}`))
  weights['unknown'] = weigh(await payer.get('/c/x'))
  for (const [page, [plain, zipped]] of Object.entries(weights)) {
    assert.ok(plain < pageBytesMax / 2 && zipped < pageBytesMax / 8, `${page}: ${plain} bytes, ${zipped} compressed`)
  }
  function weigh(page: Page): readonly [number, number] {
    assert.doesNotMatch(page.text, /<link|<img|<iframe|src=|url\(|@import|style="|\son[a-z]+="/)
    const head = Buffer.byteLength(page.head)
    return [Buffer.byteLength(page.text) + head, gzipSync(page.text).length + head]
  }
})

test('a page without its script asks again by itself while it waits, and only then', async () => {
  const own = await makeSession(merchant)
  assert.doesNotMatch((await payer.get(`/c/${own.token}`)).text, /http-equiv/)
  await payer.pay(own.token, { phone: phone() })
  const waiting = await payer.get(`/c/${own.token}`)
  assert.match(waiting.text, /<noscript><meta http-equiv="refresh" content="6"><\/noscript>/)
  assert.equal(stateIn(waiting), 'processing')
  assert.deepEqual(JSON.parse((await payer.get(`/c/${own.token}/state`)).text), { state: 'processing' })
})

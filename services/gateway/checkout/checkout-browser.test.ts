import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chromiumPath, DrivenChromium } from '@ngome/testkit'
import { keyOfGateway } from '../testing/key-of-gateway.ts'
import { makeSession } from '../testing/payer.ts'
import { settleTry } from '../testing/settle-try.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const chromium = chromiumPath()
const options = { skip: chromium === undefined ? 'Chromium is not here (package chromium)' : false, timeout: 120_000 }

let running: TestGateway
let merchant: TestMerchant
let browser: DrivenChromium
before(async () => {
  if (chromium === undefined) return
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  browser = await DrivenChromium.start(chromium, {
    trustedKeys: [await keyOfGateway(running)], hosts: { 'checkout.localhost:8443': running.port },
  })
})
after(async () => {
  await browser?.close()
  await running?.close()
})

const fill = (phone: string): Promise<unknown> => browser.evaluate(`document.querySelector('#phone').value = '${phone}'; document.querySelector('button').click()`)
const stateIs = (state: string): Promise<void> => browser.until(`document.body.dataset.state === '${state}'`)

test('a payer in a real browser is asked, waits, is told why it failed, tries again and sees that it was paid', options, async () => {
  const { id, url } = await makeSession(merchant, { description: 'Two chapati', success_url: 'https://shop.example/thanks' })
  await browser.visit(url)
  assert.equal(await browser.evaluate('document.documentElement.lang'), 'en')
  await fill('0733 123 499')
  await stateIs('processing')
  assert.equal(await browser.evaluate('document.querySelector(".phone").textContent'), '+46•••499')
  // Nobody touches the page from here on: its script sees what came of it.
  await settleTry(running, id, 'failed', 'insufficient_funds')
  await stateIs('open')
  assert.match(String(await browser.evaluate('document.querySelector("[role=alert]").textContent')), /not enough money/)
  await browser.call('Emulation.setScriptExecutionDisabled', { value: true })
  await browser.call('Page.reload')
  await browser.until('document.querySelector("#phone") !== null')
  await browser.call('Emulation.setScriptExecutionDisabled', { value: false })
  await fill('0733 123 498')
  await stateIs('processing')
  await settleTry(running, id, 'succeeded')
  await stateIs('paid')
  assert.equal(await browser.evaluate('document.querySelector("a.button").href'), 'https://shop.example/thanks')
  assert.deepEqual(browser.complaints, [])
})

test('what is injected into the page is refused by its policy', options, async () => {
  const { url } = await makeSession(merchant)
  await browser.visit(url)
  const refused = await browser.evaluate(`(() => {
    try { document.body.innerHTML = '<img src=x onerror="window.isPwned = true">' } catch { return 'trusted types' }
    return 'taken'
  })()`)
  assert.equal(refused, 'trusted types')
  await browser.evaluate(`(() => { const script = document.createElement('script'); try { script.text = 'window.isPwned = true' } catch {}; document.body.append(script) })()`)
  await browser.evaluate(`document.body.append(Object.assign(document.createElement('img'), { src: 'https://evil.example/x' }))`)
  await browser.until('true')
  assert.equal(await browser.evaluate('window.isPwned === undefined && document.images[0].naturalWidth === 0'), true)
  assert.ok(browser.complaints.length > 0, 'the browser says so')
})

test('its labels name its fields, its text has contrast, and nothing is wider than a phone', options, async () => {
  const { url } = await makeSession(merchant, { cancel_url: 'https://a-shop-with-quite-a-long-name.example/', description: 'W'.repeat(160) })
  for (const scheme of ['light', 'dark']) {
    await browser.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
    await browser.call('Emulation.setDeviceMetricsOverride', { width: 320, height: 640, deviceScaleFactor: 1, mobile: true })
    await browser.visit(`${url}?lang=fr`)
    assert.equal(await browser.evaluate('document.documentElement.scrollWidth <= 320'), true)
    assert.equal(await browser.evaluate('[...document.querySelectorAll("input:not([type=hidden])")].every((input) => input.labels.length > 0)'), true)
    const low = await browser.evaluate(contrasts)
    assert.deepEqual(low, [], `${scheme}: below 4.5 to 1`)
  }
})

/** Text whose contrast with what is behind it is below AA (WCAG 2.2 §1.4.3), by the formula of its relative luminance. */
const contrasts = `(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) ?? []).map(Number)
  const luminance = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0)
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const seen = [...document.querySelectorAll('main *, .test')].filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
  return seen.map((one) => {
    const [a, b] = [luminance(parse(getComputedStyle(one).color)), luminance(behind(one))]
    return [one.tagName + '.' + one.className, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]
  }).filter(([, ratio]) => ratio < 4.5)
})()`

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { styleText } from 'node:util'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import fc from 'fast-check'
import { eventLine } from './events.ts'
import { plainLine, plainText } from './plain-text.ts'

const attacks: readonly (readonly [string, string, string])[] = [
  ['clears the screen', '\u001b[2J', '\\u001b[2J'],
  ['sets the window\'s title', '\u001b]0;root\u0007', '\\u001b]0;root\\u0007'],
  ['conceals what follows', '\u001b[8mhidden', '\\u001b[8mhidden'],
  ['begins a sequence with one character', '\u009b2J', '\\u009b2J'],
  ['writes over what stood there', 'a\rb', 'a\\u000db'],
  ['takes back what stood there', 'a\b\u007f', 'a\\u0008\\u007f'],
  ['turns the text around', 'a\u202ednarg', 'a\\u202ednarg'],
  ['hides between letters', 'a\u200bb\u{e0041}', 'a\\u200bb\\udb40\\udc41'],
  ['begins a line in another way', 'a\u2028b', 'a\\u2028b'],
]
for (const [claim, text, shown] of attacks) {
  test(`what ${claim} is shown as what it is`, () => assert.equal(plainText(text), shown))
}

test('our own styles, line feeds, tabs and every language are as they were', () => {
  for (const text of [styleText('bold', 'a', { validateStream: false }), styleText('green', '✓', { validateStream: false }), 'a\n\tb', 'Kampala ልደታ 東京 é']) {
    assert.equal(plainText(text), text)
  }
})

test('JSON stays the same JSON, and nothing that is shown holds a control character', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    assert.equal(JSON.parse(plainText(JSON.stringify(text))), text)
    assert.doesNotMatch(plainLine(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  }))
})

test('an event is one line, whatever somebody wrote into it', () => {
  const line = eventLine({
    id: newId('event', { clock: systemClock, random: systemRandom }), at: '2026-11-23T00:00:00.000Z', type: 'gateway.banned', severity: 'warning', process: 'gateway',
    merchant: null, world: null, data: { network: '192.0.2.1/32', reason: 'x\n2026-11-23T00:00:00.000Z  notice   operator    merchant.unfrozen\u001b[1A', seconds: 60 },
  })
  assert.doesNotMatch(line, /\p{Cc}/u)
})

test('whatever a command prints goes this way', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const { stderr } = spawnSync(process.execPath, [main, 'nothing\u001b]0;title\u0007'], { encoding: 'utf8', timeout: 60_000 })
  assert.match(stderr, /nothing/)
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(stderr, /[\u001b\u0007]/)
})

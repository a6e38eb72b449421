import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayCall, mayVisit, type FetchMetadata } from './refuse-fetch.ts'

type Row = readonly [what: string, seen: FetchMetadata, call: boolean, visit: boolean]
const cross = { site: 'cross-site' }
/** One way in a row, and whether it leads to an API route and to a page. */
const ways: readonly Row[] = [
  ['a program', {}, true, true],
  ['Node\u2019s fetch', { mode: 'cors' }, true, true],
  ['a script of another site, by CORS', { ...cross, mode: 'cors', dest: 'empty' }, true, false],
  ['a script of another site, without asking', { ...cross, mode: 'no-cors', dest: 'empty' }, false, false],
  ['a script of a neighbour, without asking', { site: 'same-site', mode: 'no-cors', dest: 'empty' }, false, false],
  ['an address that somebody types', { site: 'none', mode: 'navigate', dest: 'document' }, false, true],
  ['a link, or a form', { ...cross, mode: 'navigate', dest: 'document' }, false, true],
  ['a frame', { ...cross, mode: 'navigate', dest: 'iframe' }, false, false],
  ['an old frame', { ...cross, mode: 'navigate', dest: 'frame' }, false, false],
  ['a frame of our own', { site: 'same-origin', mode: 'navigate', dest: 'iframe' }, false, false],
  ['an object', { ...cross, mode: 'navigate', dest: 'object' }, false, false],
  ['an embed', { ...cross, mode: 'no-cors', dest: 'embed' }, false, false],
  ['an image', { ...cross, mode: 'no-cors', dest: 'image' }, false, false],
  ['an image with crossorigin', { ...cross, mode: 'cors', dest: 'image' }, false, false],
  ['a script', { ...cross, mode: 'no-cors', dest: 'script' }, false, false],
  ['a module', { ...cross, mode: 'cors', dest: 'script' }, false, false],
  ['a style', { ...cross, mode: 'no-cors', dest: 'style' }, false, false],
  ['a font', { ...cross, mode: 'cors', dest: 'font' }, false, false],
  ['a film', { ...cross, mode: 'no-cors', dest: 'video' }, false, false],
  ['a worker', { site: 'same-origin', mode: 'same-origin', dest: 'worker' }, false, false],
  ['a service worker', { site: 'same-origin', mode: 'same-origin', dest: 'serviceworker' }, false, false],
  ['a manifest', { ...cross, mode: 'cors', dest: 'manifest' }, false, false],
  ['a report', { ...cross, mode: 'no-cors', dest: 'report' }, false, false],
  ['a WebSocket', { ...cross, mode: 'websocket', dest: 'empty' }, false, false],
  ['our page itself', { site: 'same-origin', mode: 'same-origin', dest: 'empty' }, false, true],
  ['a beacon', { ...cross, mode: 'no-cors', dest: 'empty' }, false, false],
  ['a way that there is not yet', { ...cross, mode: 'teleport', dest: 'empty' }, false, false],
  ['a place that there is not yet', { ...cross, mode: 'cors', dest: 'hologram' }, false, false],
  ['nothing but where it comes from', cross, true, false],
]
for (const [what, seen, call, visit] of ways) {
  test(`${what} ${call ? 'may call' : 'may not call'} and ${visit ? 'may visit' : 'may not visit'}`, () => {
    assert.equal(mayCall(seen), call)
    assert.equal(mayVisit(seen), visit)
  })
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ManualClock, Secret } from '@ngome/kernel'
import { TokenCache } from './token-cache.ts'

describe('token cache', () => {
  test('fetches once for many callers, again ten minutes before the end, and again after a refusal', async () => {
    const clock = new ManualClock(0)
    let fetched = 0
    const cache = new TokenCache(async () => {
      await sleep(5)
      return { text: new Secret(`token ${++fetched}`), lifeS: 3_600 }
    }, clock, 600)
    const held = await Promise.all(Array.from({ length: 20 }, () => cache.get()))
    assert.equal(new Set(held).size, 1)
    clock.advance(2_999_000)
    await cache.get()
    assert.equal(fetched, 1)
    clock.advance(1_000)
    const second = await cache.get()
    assert.equal(fetched, 2)
    // A refusal of a token that has been replaced meanwhile changes nothing.
    const [old] = held
    assert(old !== undefined && second !== undefined)
    cache.forget(old)
    await cache.get()
    assert.equal(fetched, 2)
    cache.forget(second)
    await cache.get()
    assert.equal(fetched, 3)
  })
  test('keeps nothing where none came, and uses a short-lived token for half its life', async () => {
    const clock = new ManualClock(0)
    let fetched = 0
    const cache = new TokenCache(async () => (++fetched === 1 ? undefined : { text: new Secret('t'), lifeS: 60 }), clock, 600)
    assert.equal(await cache.get(), undefined)
    await cache.get()
    clock.advance(29_000)
    await cache.get()
    assert.equal(fetched, 2)
    clock.advance(1_000)
    await cache.get()
    assert.equal(fetched, 3)
  })
})

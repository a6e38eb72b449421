import assert from 'node:assert/strict'
import { createSecretKey, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import { DataKeyCache, keyLifeMs } from './data-key-cache.ts'

const key = createSecretKey(new Uint8Array(32))
const sealed = (at: number) => Uint8Array.of(at >> 8, at & 0xff)

test('opens a data key once for calls that come together, and again when its time is over', async () => {
  const clock = new ManualClock(0)
  const cache = new DataKeyCache(clock)
  let opened = 0
  const open = async () => {
    opened++
    return key
  }
  await Promise.all([cache.get(sealed(1), open), cache.get(sealed(1), open)])
  clock.advance(keyLifeMs - 1)
  await cache.get(sealed(1), open)
  assert.equal(opened, 1)
  clock.advance(1)
  await cache.get(sealed(1), open)
  assert.equal(opened, 2)
})

test('does not keep a failure', async () => {
  const cache = new DataKeyCache(new ManualClock(0))
  await assert.rejects(cache.get(sealed(1), async () => Promise.reject(new Error('no'))))
  assert.equal(cache.size, 0)
  assert.equal(await cache.get(sealed(1), async () => key), key)
})

test('a failure does not drop the opening that came after it', async () => {
  const clock = new ManualClock(0)
  const cache = new DataKeyCache(clock)
  const { promise, reject } = Promise.withResolvers<KeyObject>()
  const first = cache.get(sealed(1), () => promise)
  clock.advance(keyLifeMs)
  await cache.get(sealed(1), async () => key)
  reject(new Error('late'))
  await assert.rejects(first)
  assert.equal(cache.size, 1)
})

test('keeps 1,024 keys and drops the first opened beyond', async () => {
  const cache = new DataKeyCache(new ManualClock(0))
  for (let at = 0; at < 1_025; at++) await cache.get(sealed(at), async () => key)
  assert.equal(cache.size, 1_024)
  let isOpenedAgain = false
  await cache.get(sealed(0), async () => {
    isOpenedAgain = true
    return key
  })
  assert.equal(isOpenedAgain, true)
})

test('an idle custodian holds no data key', async () => {
  const clock = new ManualClock(0)
  const cache = new DataKeyCache(clock)
  await cache.get(sealed(1), async () => key)
  clock.advance(1)
  await cache.get(sealed(2), async () => key)
  clock.advance(keyLifeMs - 1)
  cache.sweep()
  assert.equal(cache.size, 1)
  cache.clear()
  assert.equal(cache.size, 0)
})

import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import type { Reading, Row } from '../store/store.ts'
import { CertificateLookUps } from './certificate-look-ups.ts'

/** A store whose answers say how often it was asked. */
function counting(): { readonly store: Reading; readonly asked: string[] } {
  const asked: string[] = []
  const get = async (_sql: string, ...values: readonly unknown[]): Promise<Row> => ({ role: `${asked.push(String(values[0]))}` })
  return { asked, store: { get, all: async () => [] } }
}

test('calls of one turn share a look, and each certificate has its own', async () => {
  const { asked, store } = counting()
  const looks = new CertificateLookUps(store)
  const rows = await Promise.all([looks.find('a'), looks.find('b'), looks.find('a')])
  assert.deepEqual(asked, ['a', 'b'])
  assert.deepEqual(rows.map((row) => row?.['role']), ['1', '2', '1'])
})

test('a call never learns what was read before it came: a revocation is seen by whoever asks after it', async () => {
  const { asked, store } = counting()
  let release = (): void => undefined
  const begun: Promise<Row | undefined>[] = []
  const slow: Reading = { ...store, get: (...statement) => {
    const reading = new Promise<void>((resolve) => release = resolve).then(() => store.get(...statement))
    begun.push(reading)
    return reading
  } }
  const looks = new CertificateLookUps(slow)
  const first = looks.find('a')
  while (begun.length === 0) await nextTurn()
  const firstRelease = release
  const second = looks.find('a')
  while (begun.length === 1) await nextTurn()
  firstRelease()
  release()
  assert.notEqual(await first, await second)
  assert.equal(asked.length, 2)
})

test('a failure reaches all who asked, and is not kept', async () => {
  const { store } = counting()
  let isAway = true
  const looks = new CertificateLookUps({ ...store, get: async (...statement) => isAway ? Promise.reject(new Error('away')) : store.get(...statement) })
  const both = [looks.find('a'), looks.find('a')]
  for (const one of both) await assert.rejects(one, /away/)
  isAway = false
  assert.equal((await looks.find('a'))?.['role'], '1')
})

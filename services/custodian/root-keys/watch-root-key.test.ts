import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { Fault, Secret, systemRandom } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { softwareRootKey } from './software-root-key.ts'
import { rootKeyProblem, watchRootKey } from './watch-root-key.ts'

test('says once that the root is gone and once that it is back, and forgets data keys while it is gone', async () => {
  const lines: string[] = []
  const logger = createLogger({ process: 'custodian', level: 'info', destination: { write: (line: string) => void lines.push(line) } })
  let failure: Error | undefined
  let cleared = 0
  const root = { ...softwareRootKey(new Secret(systemRandom.bytes(32)), systemRandom), check: async () => {
    if (failure !== undefined) throw failure
  } }
  const end = watchRootKey({ root, dataKeys: { clear: () => void cleared++ } }, logger, 2)
  const until = async (count: number): Promise<void> => {
    while (lines.length < count) await sleep(2)
  }
  await sleep(20)
  assert.equal(cleared, 0)
  for (const [at, next] of [new Fault('custodian/unavailable', 'gone'), undefined, new Error('a bug')].entries()) {
    failure = next
    await until(at + 1)
  }
  await sleep(20)
  end()
  assert.deepEqual(lines.map((line) => /away|back/.exec(line)?.[0]), ['away', 'back', 'away'])
  assert.ok(cleared > 2)
})

test('a check that takes long is not asked for again meanwhile', async () => {
  let asked = 0
  const root = { ...softwareRootKey(new Secret(systemRandom.bytes(32)), systemRandom), check: async () => {
    asked++
    await sleep(50)
  } }
  const logger = createLogger({ process: 'custodian', level: 'fatal' })
  const end = watchRootKey({ root, dataKeys: { clear: () => undefined } }, logger, 2)
  await sleep(30)
  end()
  assert.equal(asked, 1)
})

test('readiness says what to do while the root is away', async () => {
  const root = softwareRootKey(new Secret(systemRandom.bytes(32)), systemRandom)
  assert.equal(await rootKeyProblem(root), null)
  const away = { ...root, check: () => Promise.reject(new Fault('custodian/unavailable', 'plug it in')) }
  assert.equal(await rootKeyProblem(away), 'plug it in')
})

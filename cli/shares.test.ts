import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Platform } from '@ngome/testkit'
import type { Row } from '@ngome/verify'
import { enterShares, makeShares, replaceShares } from './testing/ceremony.ts'
import { assertNowhere, plantValues } from './testing/planted.ts'
import { paymentEnd, takePayment } from './testing/take-payment.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const waitMsMax = 60_000

test('a root key of shares carries the platform: made by a ceremony, brought back by two of three after a stop, and after a crash', async (t) => {
  const platform = await Platform.create({ settings: { NGOME_ROOT_KEY: 'shares' } })
  t.after(() => platform.remove())
  const env = platform.environment()

  const first = platform.up()
  await untilTold(platform, /waiting for its root key: make it with "ngome keys ceremony --init/)
  assert.match(run(env, 'status').stdout, /custodian\s+not ready\s+waiting for its first shares/)
  const [one = '', two = '', three = ''] = await makeShares(env, 3, 2)
  assert.equal(new Set([one, two, three]).size, 3)
  await untilTold(platform, /waiting for shares 0 of 2/)
  const entered = await enterShares(env, [one, two])
  assert.equal(entered.code, 0, entered.screen)
  await first
  const client = platform.client()
  t.after(() => client.close())
  assert.equal((await paymentEnd(client, (await takePayment(client)).id)).status, 'succeeded')
  assert.deepEqual(readdirSync(join(platform.dataFolder, 'custodian')).filter((name) => /root|ceremony/.test(name)), ['root-shares.json'])
  const verified = run(env, 'verify', '--json')
  assert.equal(verified.status, 0, verified.stderr)
  const rows = JSON.parse(verified.stdout) as readonly Row[]
  assert.deepEqual(rows.filter(({ status }) => status === 'fails'), [])
  assert.match(rows.find(({ id }) => id === 'R7')?.evidence ?? '', /missing: hardware.*shares/)

  assert.equal(await platform.stop(), 0)
  const second = platform.up()
  await untilTold(platform, /waiting for shares 0 of 2: each holder enters his own with "ngome keys ceremony"/)
  // One holder is there now, the other comes later, at another terminal.
  assert.equal((await enterShares(env, [three])).code, 1)
  await untilTold(platform, /waiting for shares 1 of 2/)
  assert.match(run(env, 'status').stdout, /waiting for shares 1 of 2/)
  assert.equal((await enterShares(env, [one])).code, 0)
  await second
  assert.equal((await paymentEnd(client, (await takePayment(client)).id)).status, 'succeeded')

  // The custodian dies: the gateway goes on sealing, nothing is opened until the shares are back.
  platform.kill('custodian')
  await until(() => existsSync(join(platform.dataFolder, 'custodian', 'ceremony.sock')), 'no ceremony after the crash')
  const waiting = await takePayment(client)
  assert.equal((await enterShares(env, [two, three])).code, 0)
  assert.equal((await paymentEnd(client, waiting.id)).status, 'succeeded')

  // New shares take the place of the old ones while it runs.
  const later = await replaceShares(env, 3, 2)
  await until(() => !existsSync(join(platform.dataFolder, 'custodian', 'root-shares.next.json')), `the root key was not replaced:\n${platform.output}`)
  assert.equal((await paymentEnd(client, (await takePayment(client)).id)).status, 'succeeded')

  const planted = await plantValues(platform, client)
  const { bytes, forms } = await assertNowhere(platform, planted)
  t.diagnostic(`${forms} forms of ${planted.length} values are nowhere in ${bytes} bytes`)
  for (const [name, text] of readEverything(platform.dataFolder)) {
    for (const share of [one, two, three, ...later]) {
      assert.ok(!text.includes(share) && !text.includes(share.replaceAll('-', '')), `a share lies in ${name}`)
    }
  }
  assert.equal(await platform.stop(), 0)
})

function run(env: NodeJS.ProcessEnv, ...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { encoding: 'utf8', env, timeout: 150_000 })
}

function readEverything(folder: string): readonly (readonly [name: string, text: string])[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')] as const)
}

function untilTold(platform: Platform, pattern: RegExp): Promise<void> {
  return until(() => pattern.test(platform.output), `the launcher did not say ${String(pattern)}:\n${platform.output}`)
}

async function until(holds: () => boolean, message: string): Promise<void> {
  for (const from = performance.now(); !holds(); await sleep(50)) assert.ok(performance.now() - from < waitMsMax, message)
}

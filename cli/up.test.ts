import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { Platform, type PlatformGreeting, type PlatformProcess } from '@ngome/testkit'
import { egressTable } from './launcher/egress-rules.ts'
import { findProgram } from './launcher/find-program.ts'
import { runProgram } from './launcher/run-program.ts'
import { paymentEnd, takePayment } from './testing/take-payment.ts'

const isLinux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0

let platform: Platform
let first: PlatformGreeting
let key: string

before(async () => {
  platform = await Platform.create()
  first = await platform.up()
  key = first.key.text ?? ''
})
after(() => platform.remove())

test('a first start prints a key, and a payment with it reaches its end', async () => {
  const client = platform.client(key)
  const payment = await takePayment(client)
  assert.equal(payment.payer.phone, '+46•••499')
  assert.equal((await paymentEnd(client, payment.id)).status, 'succeeded')
  client.close()
})

test('each process has a folder that no other user enters, and its secrets are its own', () => {
  for (const folder of ['launcher', 'custodian', 'gateway', 'dispatcher', 'operator', 'auditor', 'postgres', 'simulators/mtn-momo']) {
    assert.equal(statSync(join(platform.dataFolder, folder)).mode & 0o777, 0o700, folder)
  }
  const owned = [
    'launcher/enrolment.key', 'launcher/first-key.json', 'launcher/postgres-password', 'custodian/root.key', 'gateway/db-password',
    'dispatcher/db-password', 'dispatcher/providers.json', 'operator/db-password', 'auditor/db-password',
  ]
  for (const file of owned) assert.equal(statSync(join(platform.dataFolder, file)).mode & 0o777, 0o600, file)
  const users = ['custodian', 'gateway', 'dispatcher', 'simulators/mtn-momo'].map((folder) => statSync(join(platform.dataFolder, folder)).uid)
  assert.equal(new Set(users).size, first.isolation['ownUsers']?.status === 'on' ? users.length : 1)
})

test('as root on Linux every mechanism of isolation was seen to be on', { skip: !(isLinux && isRoot) && 'needs root on Linux' }, () => {
  const report = JSON.parse(readFileSync(join(platform.dataFolder, 'launcher', 'isolation.json'), 'utf8')) as PlatformGreeting['isolation']
  assert.deepEqual(report, first.isolation)
  // A machine that lacks a program says so; none of ours may be off for another reason.
  const off = Object.values(report).filter(({ status }) => status === 'off').map(({ reason }) => reason ?? '')
  assert.deepEqual(off.filter((reason) => !/is not installed|kernel refuses/.test(reason)), [])
})

test('a second launcher on the same data folder is refused and says why', async () => {
  const { code, stderr } = await platform.run('up')
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`another launcher \\(process ${platform.launcherPid}\\) runs on this data folder`))
})

test('operator commands see and change the running platform', async () => {
  const status = await platform.run('status')
  assert.deepEqual([status.code, status.stdout.match(/ready/g)?.length], [0, 3], status.stderr)
  const shop = (JSON.parse((await platform.run('merchants', 'add', 'Shop', '--json')).stdout) as { merchant: string }).merchant
  const issued = JSON.parse((await platform.run('keys', 'issue', shop, '--json')).stdout) as { key: string; text: string }
  const client = platform.client(issued.text)
  assert.equal((await client.call({ path: '/v1/payments' })).status, 200)
  assert.equal((await platform.run('merchants', 'freeze', shop)).code, 0)
  assert.equal(await untilStatus(() => client.call({ path: '/v1/payments' }), 403), 403)
  assert.equal((await platform.run('merchants', 'unfreeze', shop)).code, 0)
  assert.equal(await untilStatus(() => client.call({ path: '/v1/payments' }), 200), 200)
  assert.match((await platform.run('keys', 'revoke', issued.text)).stdout, /is revoked$/m)
  assert.equal(await untilStatus(() => client.call({ path: '/v1/payments' }), 401), 401)
  assert.match((await platform.run('keys', 'list', shop)).stdout, /revoked/)
  assert.match((await platform.run('merchants', 'list')).stdout, /active {2}Shop/)
  const types = (await platform.run('events', '--json')).stdout.trim().split('\n').map((line) => (JSON.parse(line) as { type: string }).type)
  for (const type of ['merchant.frozen', 'merchant.unfrozen', 'api_key.revoked']) assert.ok(types.includes(type), type)
  client.close()
})

test('who is banned is refused by the kernel, through the gateway and the helper', async (t) => {
  if (first.isolation['egressRules']?.status !== 'on') return t.skip('needs root and nft')
  assert.equal((await platform.run('bans', 'add', '203.0.113.77', '--hours', '2', '--reason', 'a test')).code, 0)
  assert.equal(await untilBanned('203.0.113.77', true), true)
  assert.match((await platform.run('bans', 'list')).stdout, /^203\.0\.113\.77\/32 {2}7[0-9]{3} s left {2}by operator, 1 in a row {2}a test$/m)
  assert.equal((await platform.run('bans', 'remove', '203.0.113.77')).code, 0)
  assert.equal(await untilBanned('203.0.113.77', false), true)
})

test('SIGTERM stops all in order, and no process stays', { skip: !isLinux && 'looks into /proc' }, async () => {
  assert.equal(await platform.stop(), 0)
  assert.deepEqual(platform.running(), [])
  const stops = [...platform.output.matchAll(/(?:the )?(\w+) has stopped/g)].map(([, name]) => name)
  // The custodian and the simulator start side by side, and stop in either order.
  assert.deepEqual([stops.slice(0, 2), new Set(stops.slice(2, 4)), stops.slice(4)], [
    ['gateway', 'dispatcher'], new Set(['simulator', 'custodian']), ['PostgreSQL'],
  ])
})

test('a second start creates nothing again: the key still works', async () => {
  const second = await platform.up()
  assert.deepEqual([second.merchant, second.key.id, second.key.text], [first.merchant, first.key.id, null])
  const client = platform.client(key)
  const page = await client.call({ path: '/v1/payments' })
  assert.match(page.text, /"status":"succeeded"/)
  client.close()
})

test('SIGHUP without a terminal replaces the gateway and restarts the dispatcher', { skip: process.stdin.isTTY && 'has a terminal' }, async () => {
  const former = { gateway: platform.pidOf('gateway'), dispatcher: platform.pidOf('dispatcher') }
  process.kill(platform.launcherPid, 'SIGHUP')
  for (let waitedMs = 0; ; waitedMs += 50) {
    const [gateway, dispatcher] = [platform.pidOf('gateway'), platform.pidOf('dispatcher')]
    if (![undefined, former.gateway].includes(gateway) && ![undefined, former.dispatcher].includes(dispatcher)) break
    assert.ok(waitedMs < 30_000, platform.output)
    await sleep(50)
  }
  const client = platform.client(key)
  assert.equal((await paymentEnd(client, (await takePayment(client)).id)).status, 'succeeded')
  client.close()
})

for (const name of ['gateway', 'dispatcher', 'simulator', 'custodian', 'postgres'] satisfies PlatformProcess[]) {
  test(`kill -9 of the ${name}: it is started again, and payments go on`, async () => {
    const killed = platform.pidOf(name)
    assert.ok(killed !== undefined)
    process.kill(killed, 'SIGKILL')
    for (let waitedMs = 0; platform.pidOf(name) === killed || platform.pidOf(name) === undefined; waitedMs += 50) {
      assert.ok(waitedMs < 30_000, `no new ${name}:\n${platform.output}`)
      await sleep(50)
    }
    const client = platform.client(key)
    await untilStatus(() => client.call({ path: '/v1/payments' }), 200)
    const payment = await takePayment(client)
    assert.equal((await paymentEnd(client, payment.id)).status, 'succeeded')
    client.close()
  })
}

test('kill -9 of the launcher leaves no orphan, and the next start is clean', { skip: !isLinux && 'looks into /proc' }, async () => {
  await platform.killLauncher()
  assert.deepEqual(await platform.untilNothingRuns(), [])
  assert.equal((await platform.up({ NGOME_KEYS__DATA_KEY_PERIOD_S: '5' })).key.id, first.key.id)
})

test('at each period\'s end the gateway is replaced, under a stream of requests, and none fails', async () => {
  const client = platform.client(key)
  const pids = new Set<number>()
  const statuses = new Map<number, number>()
  let endMs = performance.now() + 60_000
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (performance.now() < endMs) {
      const { status } = await client.call({ path: '/v1/payments?limit=1' })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const pid = platform.pidOf('gateway')
      if (pid !== undefined) pids.add(pid)
      // A little longer than until the third is there: the second has to leave under the stream too.
      if (pids.size >= 3) endMs = Math.min(endMs, performance.now() + 2_000)
      await sleep(5)
    }
  }))
  assert.deepEqual([...statuses.keys()], [200])
  assert.ok(pids.size >= 3, `${pids.size} gateways, with periods of five seconds:\n${platform.output}`)
  client.close()
})

/** What the kernel refuses, as nft lists it; `undefined` where our table is not there. */
async function kernelBans(): Promise<string | undefined> {
  const { code, stdout } = await runProgram([findProgram('nft') ?? 'nft', 'list', 'table', 'inet', `${egressTable(platform.dataFolder)}_bans`])
  return code === 0 ? stdout : undefined
}

async function untilBanned(address: string, isBanned: boolean): Promise<boolean> {
  for (let tries = 0; tries < 80; tries++) {
    if ((await kernelBans())?.includes(address) === isBanned) return true
    await sleep(100)
  }
  return false
}

test('a port that is taken is named, with the variable that changes it', async () => {
  await platform.stop()
  assert.equal(await kernelBans(), undefined, 'bans leave the kernel with the platform')
  const server = createServer().listen(platform.ports.gateway, '127.0.0.1')
  const { code, stderr } = await platform.run('up')
  server.close()
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`port ${platform.ports.gateway} for the API is taken by .*; stop that, or set NGOME_GATEWAY__PORT`))
  if (isLinux) assert.match(stderr, new RegExp(`\\(process ${process.pid}\\)`))
})

test('a folder that holds something else is not taken for a data folder', async () => {
  const elsewhere = await Platform.create()
  mkdirSync(join(elsewhere.dataFolder, 'launcher'), { recursive: true })
  writeFileSync(join(elsewhere.dataFolder, 'thesis.odt'), '')
  const { code, stderr } = await elsewhere.run('up')
  await elsewhere.remove()
  assert.equal(code, 1)
  assert.match(stderr, /holds something else; set NGOME_DATA/)
})

/** Repeats a call until it answers this status, within the lease of what gateways remember; answers the last status. */
async function untilStatus(call: () => Promise<{ readonly status: number }>, wanted: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    const status = await call().then((answer) => answer.status, () => 0)
    if (status === wanted || tries > 300) return status
    await sleep(100)
  }
}

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { emit } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import { banByOperator, banNetwork, endBan, listBans } from '@ngome/store'
import { connectFrom } from '../testing/connect-from.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { costOf, pointsMax } from './misdeeds.ts'

const from = { clock: systemClock, random: systemRandom, process: 'operator' } as const
const attacker = '127.0.0.66'
let running: TestGateway
let merchant: TestMerchant

before(async () => {
  // As on a machine of its own, where loopback is nobody special.
  running = await TestGateway.start({ config: (config) => ({ ...config, gateway: { ...config.gateway, neverBanned: ['127.0.0.1/32'] } }) })
  merchant = await running.addMerchant()
})
after(() => running.close())

/** What comes back from an address: the status, or `ended` where the handshake was refused. */
function ask(localAddress: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectFrom({ port: running.port, ca: running.custody.authority.pem }, localAddress)
    let text = ''
    socket.on('close', () => resolve(text.slice(9, 12) || 'ended'))
    socket.on('secureConnect', () => socket.write(bytes)).on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n')) socket.destroy()
    })
  })
}

/** A connection that asks now and then for what anybody may have, which is no misdeed and no merit, until somebody ends it. */
async function stand(localAddress: string): Promise<TLSSocket> {
  const socket = connectFrom({ port: running.port, ca: running.custody.authority.pem }, localAddress)
  await new Promise<void>((resolve) => { socket.once('secureConnect', () => resolve()) })
  const timer = setInterval(() => socket.write('GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'), 1_000)
  socket.resume().once('close', () => clearInterval(timer))
  return socket
}

const good = (): string => `GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${merchant.key}\r\n\r\n`

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !await isSo(); waitedMs += 100) {
    assert.ok(waitedMs < 40_000, 'it did not come')
    await sleep(100)
  }
}

test('whoever sends garbage again and again is refused before his handshake; others are served', async () => {
  assert.equal(await ask(attacker, good()), '200')
  const [standing, others] = await Promise.all([attacker, '127.0.0.77'].map(stand))
  assert.ok(standing && others)
  const garbage = pointsMax / costOf('request/malformed')
  const answers = await Promise.all(Array.from({ length: garbage + 1 }, () => ask(attacker, 'GARBAGE\r\n\r\n')))
  assert.ok(answers.filter((answer) => answer === '400').length >= garbage)
  assert.equal(await ask(attacker, good()), 'ended')
  assert.equal(await ask('127.0.0.77', good()), '200')
  await until(async () => standing.destroyed)
  assert.equal(others.destroyed, false)
  others.destroy()
  await until(async () => (await listBans(running.database.open('ngome_gateway'))).length === 1)
  const [row] = await listBans(running.database.open('ngome_gateway'))
  assert.deepEqual({ ...row, secondsLeft: 0 }, { network: '127.0.0.66/32', bannedBy: 'gateway', reason: 'request/malformed', times: 1, secondsLeft: 0 })
  const events = await running.database.asAdmin(`SELECT data FROM ngome.events WHERE type = 'gateway.banned'`)
  assert.deepEqual(events, [{ data: { network: '127.0.0.66/32', reason: 'request/malformed', seconds: 60 } }])
})

test('a page of another site bans nobody who looks at it, whatever it makes their browser ask', async () => {
  const visitor = '127.0.0.67'
  const forPage = 'Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n\r\n'
  for (const target of ['/v1/%70ayments', '/v1/payments', '/nothing']) {
    const before = Array.from({ length: pointsMax / costOf('request/malformed') + 5 }, () => ask(visitor, `GET ${target} HTTP/1.1\r\n${forPage}`))
    assert.ok((await Promise.all(before)).every((answer) => answer.startsWith('4')))
  }
  assert.equal(await ask(visitor, good()), '200')
})

test('whom the operator vouches for is not banned by the same', async () => {
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask('127.0.0.1', 'GARBAGE\r\n\r\n')))
  assert.deepEqual(new Set(answers), new Set(['400']))
  // A machine that is busy with the above may lose its lease for a moment, which is a 503 and no ban.
  await until(async () => await ask('127.0.0.1', good()) === '200')
})

test('the operator ends a ban, and bans, and every gateway obeys within seconds', async () => {
  const operator = running.database.open('ngome_operator')
  assert.equal(await endBan(operator, '127.0.0.66/32', emit(from, 'gateway.unbanned', null, { network: '127.0.0.66/32' })), true)
  await until(async () => await ask(attacker, good()) === '200')
  const network = '127.0.0.67/32'
  await banByOperator(operator, { network, seconds: 7_200, reason: 'a person' }, emit(from, 'gateway.banned', null, { network, reason: 'a person', seconds: 7_200 }))
  await until(async () => await ask('127.0.0.67', good()) === 'ended')
  assert.equal(await endBan(operator, '127.0.0.99/32', emit(from, 'gateway.unbanned', null, { network: '127.0.0.99/32' })), false)
})

test('a gateway, also a stolen one, bans for an hour at most, and does not touch what a person decided', async () => {
  const gateway = running.database.open('ngome_gateway')
  const ban = (network: string, seconds: number) => banNetwork(gateway, { network, seconds, times: 1, reason: 'x' },
    emit({ ...from, process: 'gateway' }, 'gateway.banned', null, { network, reason: 'x', seconds }))
  assert.equal(await ban('192.0.2.1/32', 3_601), false)
  assert.equal(await ban('192.0.2.1/32', 0), false)
  assert.equal(await ban('127.0.0.67/32', 60), false)
  assert.equal(await ban('192.0.2.1/32', 60), true)
  assert.equal(await ban('192.0.2.1/32', 30), true)
  const rows = await listBans(gateway)
  assert.ok((rows.find(({ network }) => network === '192.0.2.1/32')?.secondsLeft ?? 0) > 50, 'a shorter one does not shorten it')
  await assert.rejects(ban('0.0.0.0/0', 60), /check constraint/)
  await assert.rejects(gateway.pool.query('DELETE FROM ngome.address_bans'), /permission denied/)
  await running.database.asAdmin(`INSERT INTO ngome.address_bans SELECT '10.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256 || '/32',
    'gateway', 'x', 1, now(), now() + interval '1 minute' FROM generate_series(1, 10000) n`)
  assert.equal(await ban('192.0.2.2/32', 60), false, 'and ten thousand networks are enough')
})

test('no ban is an alarm, and each is a line of the log', () => {
  assert.deepEqual(running.logLines.filter((line) => line.includes('"alarm"')), [])
  assert.ok(running.logLines.some((line) => line.includes('a network was banned')))
})

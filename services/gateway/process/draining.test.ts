import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoundSocket } from 'node:net'
import { connect } from 'node:tls'
import type { Identity } from '@ngome/runtime'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { callInternal, type InternalAnswer } from '../testing/call-internal.ts'
import { TestPlatform } from '../testing/test-platform.ts'

let database: TestDatabase
let platform: TestPlatform
let operator: Identity

before(async () => {
  database = await testDatabase()
  platform = await TestPlatform.create(database)
  assert.ok(platform.custodian)
  operator = await platform.custodian.enrol('operator')
})
after(async () => {
  // First: what the set-up did not get to make must not keep a process of the platform alive.
  await platform.close()
  operator.stop()
  await database.close()
})

const readyz = (): Promise<InternalAnswer> => callInternal(operator, platform.folders.ports.internal, '/readyz')

test('a gateway that drains says so and is not ready, until its last connection has ended', { timeout: 60_000 }, async () => {
  const socket = new BoundSocket({ host: '127.0.0.1', port: 0 })
  const gateway = platform.startGateway({ socketFd: socket.fd() })
  await gateway.until('ready')
  gateway.send({ type: 'listen', fd: 4 })
  assert.equal((await readyz()).status, 200)
  const kept = connect({ host: '127.0.0.1', port: socket.address().port, servername: 'localhost', ca: platform.custody.authority.pem })
  kept.on('error', () => undefined).resume()
  await new Promise<void>((resolve) => { kept.once('secureConnect', resolve) })
  gateway.send({ type: 'drain' })
  await sleep(300)
  const answer = await readyz()
  assert.equal(answer.status, 503)
  assert.deepEqual((answer.body as { checks: Record<string, unknown> }).checks['draining'], { ready: false, reason: 'gateway/draining' })
  kept.destroy()
  await gateway.until('drained')
  assert.equal(await gateway.exited, 0, gateway.output)
  socket.close()
})

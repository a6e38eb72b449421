import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Fault, type FaultCode } from '@ngome/kernel'
import { connectFrom } from '../testing/connect-from.ts'
import { EchoApi } from '../testing/echo-api.ts'
import { rawRequest } from '../testing/raw-request.ts'
import { unheededMax, unheededPauseMs } from './limits.ts'

const attacker = '127.0.0.9'
let api: EchoApi
let refusedWith: FaultCode | undefined

before(async () => {
  api = await EchoApi.start({ refusal: (address) => refusedWith === undefined || address !== attacker ? undefined : new Fault(refusedWith, 'as the test says') })
})
after(() => api.close())

const get = 'GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n'

/** Asks as soon as it was answered. @returns the statuses, and how long each answer took */
async function insist(socket: TLSSocket, count: number): Promise<readonly (readonly [status: string, ms: number])[]> {
  const seen: (readonly [string, number])[] = []
  while (seen.length < count && !socket.destroyed) {
    const sentAtMs = performance.now()
    const answer = new Promise<string>((resolve) => {
      socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1', 9, 12))).once('close', () => resolve('closed'))
    })
    socket.write(get)
    seen.push([await answer, performance.now() - sentAtMs])
  }
  return seen
}

async function connected(): Promise<TLSSocket> {
  const socket = connectFrom(api, attacker)
  await new Promise<void>((resolve) => { socket.once('secureConnect', () => resolve()) })
  return socket
}

for (const code of ['access/limit_exceeded', 'gateway/overloaded', 'access/lease_lost'] as const) {
  test(`whoever asks on although he is told to wait (${code}) is held back, keeps his connection, and is served at once when he may be`, { timeout: 30_000 }, async () => {
    const socket = await connected()
    refusedWith = code
    const quick = await insist(socket, unheededMax)
    assert.ok(quick.every(([status]) => status === '429' || status === '503'))
    const held = await insist(socket, 2)
    for (const [, ms] of held) assert.ok(ms >= unheededPauseMs - 5, `${ms} ms`)
    refusedWith = undefined
    const [[status] = []] = await insist(socket, 1)
    assert.equal(status, '200')
    refusedWith = code
    const anew = await insist(socket, unheededMax)
    assert.ok(anew.some(([, ms]) => ms < unheededPauseMs - 5), 'a request that was served ends it')
    socket.destroy()
    refusedWith = undefined
  })
}

test('of many that were sent at once each is held back behind the other, and others are served meanwhile', { timeout: 30_000 }, async () => {
  const socket = await connected()
  refusedWith = 'access/limit_exceeded'
  await insist(socket, unheededMax)
  let answers = 0
  socket.on('data', () => answers++)
  socket.write(get.repeat(16))
  assert.equal((await rawRequest(api, get)).status, 200)
  await new Promise((resolve) => { setTimeout(resolve, unheededPauseMs * 2.5) })
  assert.ok(answers <= 2, `${answers} answers`)
  socket.destroy()
  refusedWith = undefined
})

test('who is refused for what he is loses his connection', async () => {
  refusedWith = 'access/unauthenticated'
  const socket = await connected()
  const ended = new Promise((resolve) => { socket.once('close', resolve) })
  const [[status] = []] = await insist(socket, 1)
  await ended
  assert.equal(status, '401')
})

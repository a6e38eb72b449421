import assert from 'node:assert/strict'
import { createServer, IncomingMessage, request, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { Outbox } from './outbox.ts'

const requestId = newId('request', { clock: systemClock, random: systemRandom })
const answer = (status: number, headers: readonly string[] = []) => ({ status, body: 'x', headers })
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

function response(): ServerResponse {
  return new ServerResponse(new IncomingMessage(null as never))
}

test('answers leave within the turn in which they were ready, in their order', async (t) => {
  const outbox = new Outbox(assert.ifError)
  const server = createServer((_request, to) => outbox.add({ response: to, answer: answer(200), requestId, isLast: true }))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => server.close())
  const status = await new Promise((resolve, reject) => {
    request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }, (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode)
    }).once('error', reject).end()
  })
  assert.equal(status, 200)
})

test('one that cannot be sent is told of and ends; those behind it leave', async () => {
  const failed: unknown[] = []
  const outbox = new Outbox((error) => failed.push(error))
  const [broken, after] = [response(), response()]
  outbox.add({ response: broken, answer: answer(200, ['bad header', 'a\r\nb: c']), requestId, isLast: false })
  outbox.add({ response: after, answer: answer(201), requestId, isLast: false })
  await turn()
  assert.equal(failed.length, 1)
  assert.equal(broken.destroyed, true)
  assert.equal(after.statusCode, 201)
  assert.equal(after.headersSent, true)
})

test('a request is answered once, and who left is not', async () => {
  const outbox = new Outbox(assert.ifError)
  const [twice, gone] = [response(), response()]
  outbox.add({ response: twice, answer: answer(201), requestId, isLast: false })
  outbox.add({ response: twice, answer: answer(500), requestId, isLast: false })
  outbox.add({ response: gone, answer: answer(200), requestId, isLast: false })
  gone.destroy()
  await turn()
  assert.equal(twice.statusCode, 201)
  assert.equal(gone.headersSent, false)
})

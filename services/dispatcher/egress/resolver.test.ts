import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { createEgressGuard } from './egress-guard.ts'
import { nameServerResolver, systemResolver, type Resolver } from './resolver.ts'

const typeA = 1
const typeAaaa = 28

/** A name server that says what `answer` says to each question of a type, or nothing. */
async function nameServer(t: { after(fn: () => void): void }, answer: (type: number) => readonly number[] | undefined | 'unknown'): Promise<Resolver> {
  const socket: Socket = createSocket('udp4', (message, { port, address }) => {
    const end = message.indexOf(0, 12) + 5
    const type = message.readUInt16BE(end - 4)
    const data = answer(type)
    if (data === undefined) return
    const head = Buffer.from(message.subarray(0, end))
    head.writeUInt16BE(data === 'unknown' ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(data === 'unknown' ? 0 : 1, 6)
    head.writeUInt32BE(0, 8)
    const record = data === 'unknown' ? [] : [0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]
    socket.send(Buffer.concat([head, Buffer.from(record)]), port, address)
  })
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve) })
  t.after(() => { socket.close() })
  return nameServerResolver([`127.0.0.1:${socket.address().port}`])
}

const ipv4 = [93, 184, 215, 14]
const ipv6 = [0x26, 0x06, 0x47, 0, ...Array.from({ length: 11 }, () => 0), 1]

describe('a name server', () => {
  test('that knows both kinds of address is asked for both', async (t) => {
    const resolve = await nameServer(t, (type) => type === typeAaaa ? ipv6 : ipv4)
    assert.deepEqual(await resolve('shop.example'), ['93.184.215.14', '2606:4700::1'])
  })
  test('that knows one kind gives that one', async (t) => {
    const resolve = await nameServer(t, (type) => type === typeA ? ipv4 : 'unknown')
    assert.deepEqual(await resolve('shop.example'), ['93.184.215.14'])
  })
  test('that does not know the name gives an error', async (t) => {
    await assert.rejects((await nameServer(t, () => 'unknown'))('gone.example'))
  })
  test('is never asked about localhost', async (t) => {
    const resolve = await nameServer(t, () => assert.fail('asked'))
    assert.deepEqual(await resolve('localhost'), ['127.0.0.1', '::1'])
    assert.deepEqual(await resolve('shop.localhost'), ['127.0.0.1', '::1'])
  })
})

test('sixteen names whose name server never answers hold up no payment network\'s, and are given up', async (t) => {
  const resolve = await nameServer(t, () => undefined)
  const server = createServer((_, response) => { response.end('{}') })
  await new Promise<void>((ready) => { server.listen(0, '127.0.0.1', ready) })
  const { port } = server.address() as AddressInfo
  const guard = createEgressGuard({
    providers: { momo: { baseUrl: `http://localhost:${port}` } }, allowPrivate: [`localhost:${port}`],
    resolve, resolveOperators: systemResolver,
  })
  t.after(() => {
    guard.close()
    server.closeAllConnections()
    server.close()
  })
  const outgoing = { method: 'POST', headers: {}, body: Buffer.from('{}'), timeoutMs: 300_000 } as const
  let givenUp = 0
  const webhooks = Array.from({ length: 16 }, async (_, at) => {
    const sent = await guard.toWebhook(`https://slow-${at}.example/`, outgoing)
    givenUp++
    return sent.kind
  })
  assert.equal((await guard.toProvider('momo', '/x', outgoing)).kind, 'answered')
  assert.equal(givenUp, 0)
  assert.deepEqual(await Promise.all(webhooks), Array.from({ length: 16 }, () => 'unreached'))
})

test('merchants\' names are never given to the operator\'s resolver, and the operator\'s names always are', async (t) => {
  const asked: string[] = []
  const note = (which: string): Resolver => async (host) => {
    asked.push(`${which} ${host}`)
    return []
  }
  const guard = createEgressGuard({
    providers: { momo: { baseUrl: 'https://momo.example' } }, allowPrivate: ['hook.internal:9999'],
    resolve: note('merchants'), resolveOperators: note('operators'),
  })
  t.after(() => { guard.close() })
  const outgoing = { method: 'POST', headers: {}, body: Buffer.from('{}'), timeoutMs: 1_000 } as const
  await guard.toWebhook('https://shop.example/', outgoing)
  await guard.toWebhook('http://hook.internal:9999/', outgoing)
  await guard.toWebhook('https://hook.internal/', outgoing)
  await guard.toProvider('momo', '/x', outgoing)
  assert.deepEqual(asked, ['merchants shop.example', 'operators hook.internal', 'merchants hook.internal', 'operators momo.example'])
})

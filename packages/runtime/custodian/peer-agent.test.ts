import assert from 'node:assert/strict'
import { request, createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { TestAuthority } from '@ngome/testkit'
import { newCertificateRequest } from '../identity/certificate-request.ts'
import { PeerAgent } from './peer-agent.ts'

const authority = await TestAuthority.create()

async function custodianServer(notAfter: Date): Promise<{ server: Server; port: number; connections: () => number }> {
  const { csr, privateKey } = await newCertificateRequest('custodian')
  const cert = await authority.issue(csr, 'custodian', { notAfter })
  const server = createServer({ key: privateKey.expose((pem) => pem), cert, minVersion: 'TLSv1.3' }, (_request, response) => response.end('ok'))
  let count = 0
  server.on('secureConnection', () => void count++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, connections: () => count }
}

function get(agent: PeerAgent, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port }, (response) => {
      response.resume().once('end', () => setImmediate(() => resolve(response.statusCode ?? 0)))
    }).once('error', reject).end()
  })
}

describe('an agent to one peer', () => {
  test('keeps its connection, without resuming sessions', async () => {
    const { server, port, connections } = await custodianServer(new Date(Date.now() + 60_000))
    const agent = new PeerAgent({ ca: authority.pem }, 'custodian')
    for (let at = 0; at < 3; at++) assert.equal(await get(agent, port), 200)
    assert.equal(connections(), 1)
    agent.destroy()
    server.close()
  })

  test('ends kept connections to a peer whose certificate has ended since', async () => {
    const endsAt = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000)
    const { server, port, connections } = await custodianServer(endsAt)
    const agent = new PeerAgent({ ca: authority.pem }, 'custodian')
    await get(agent, port)
    agent.closeExpired(endsAt.getTime() - 1)
    await get(agent, port)
    assert.equal(connections(), 1)
    agent.closeExpired(endsAt.getTime())
    await get(agent, port)
    assert.equal(connections(), 2)
    agent.destroy()
    server.close()
  })

  test('that is retired answers what runs and keeps nothing', async () => {
    const { server, port } = await custodianServer(new Date(Date.now() + 60_000))
    const agent = new PeerAgent({ ca: authority.pem }, 'custodian')
    await get(agent, port)
    const running = get(agent, port)
    agent.retire()
    assert.equal(await running, 200)
    assert.deepEqual(Object.keys(agent.freeSockets), [])
    await new Promise((resolve) => void server.close(resolve))
  })
})

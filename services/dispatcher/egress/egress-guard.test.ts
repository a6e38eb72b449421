import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Fault } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard, type EgressSettings } from './egress-guard.ts'
import { isPublicAddress } from './is-public-address.ts'
import { answerBytesMax, type Outgoing, type Transmission } from './transmit.ts'

const outgoing: Outgoing = { method: 'POST', headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), timeoutMs: 1_000 }
const noNames: EgressSettings['resolve'] = async () => { throw new Error('ENOTFOUND') }

function guardOf(settings: Partial<EgressSettings>): EgressGuard {
  return createEgressGuard({ providers: {}, allowPrivate: [], resolve: noNames, ...settings })
}

async function portOf(server: { listen(port: number, host: string, ready: () => void): unknown; address(): unknown }): Promise<number> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

const isRefusal = (error: unknown): boolean => error instanceof Fault && error.code === 'egress/refused'

describe('refuses a webhook address', () => {
  const cases: readonly [string, string, (readonly string[])?][] = [
    ['loopback', 'https://127.0.0.1/'],
    ['loopback, another of the block', 'https://127.1.2.3/'],
    ['loopback in decimal', 'https://2130706433/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback in hexadecimal', 'https://0x7f000001/'],
    ['loopback, abbreviated', 'https://127.1/'],
    ['loopback in full-width digits', 'https://１２７.0.0.1/'],
    ['loopback, percent-encoded', 'https://%31%32%37.0.0.1/'],
    ['this network', 'https://0.0.0.0/'],
    ['private 10/8', 'https://10.0.0.1/'],
    ['private 172.16/12', 'https://172.31.255.255/'],
    ['private 192.168/16', 'https://192.168.1.1/'],
    ['carrier-grade NAT', 'https://100.64.0.1/'],
    ['cloud metadata', 'https://169.254.169.254/latest/meta-data/'],
    ['cloud metadata of another vendor', 'https://100.100.100.200/'],
    ['cloud metadata over IPv6', 'https://[fd00:ec2::254]/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['benchmarking', 'https://198.18.0.1/'],
    ['documentation', 'https://203.0.113.1/'],
    ['reserved', 'https://240.0.0.1/'],
    ['6to4 relay', 'https://192.88.99.1/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 unspecified', 'https://[::]/'],
    ['IPv6 link-local', 'https://[fe80::1]/'],
    ['IPv6 site-local', 'https://[fec0::1]/'],
    ['IPv6 unique local', 'https://[fd12:3456::1]/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['IPv4 mapped into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['IPv4 mapped into IPv6, in hexadecimal', 'https://[::ffff:7f00:1]/'],
    ['a public IPv4 mapped into IPv6', 'https://[::ffff:8.8.8.8]/'],
    ['IPv4-compatible IPv6', 'https://[::7f00:1]/'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['local NAT64', 'https://[64:ff9b:1::7f00:1]/'],
    ['6to4', 'https://[2002:7f00:1::]/'],
    ['Teredo', 'https://[2001:0:7f00:1::]/'],
    ['ISATAP', 'https://[2600:1::5efe:7f00:1]/'],
    ['IPv6 documentation', 'https://[2001:db8::1]/'],
    ['IPv6 discard', 'https://[100::1]/'],
    ['IPv6 that is not assigned', 'https://[4000::1]/'],
    ['a name of a private address', 'https://shop.example/', ['10.0.0.1']],
    ['a name with one private address among public ones', 'https://shop.example/', ['93.184.215.14', '127.0.0.1']],
    ['a name with a mapped address', 'https://shop.example/', ['::ffff:10.0.0.1']],
    ['a name with an address in a zone', 'https://shop.example/', ['fe80::1%eth0']],
    ['a name whose resolver answers no address', 'https://shop.example/', ['localhost']],
    ['a name with seventeen addresses', 'https://shop.example/', Array.from({ length: 17 }, (_, at) => `93.184.215.${at}`)],
    ['localhost', 'https://localhost/', ['127.0.0.1']],
    ['a name that ends in a full stop', 'https://localhost./', ['127.0.0.1']],
    ['an address that ends in a full stop', 'https://127.0.0.1./'],
    ['user information', 'https://shop.example@127.0.0.1/', ['93.184.215.14']],
    ['a password', 'https://:secret@shop.example/', ['93.184.215.14']],
    ['a fragment', 'https://shop.example/#x', ['93.184.215.14']],
    ['plain HTTP', 'http://shop.example/', ['93.184.215.14']],
    ['a mail port', 'https://shop.example:25/', ['93.184.215.14']],
    ['a file', 'file:///etc/passwd'],
    ['another scheme', 'gopher://shop.example/', ['93.184.215.14']],
    ['a data address', 'data:text/plain,x'],
    ['no address at all', 'shop.example'],
    ['nothing', ''],
    ['a host of nothing', 'https:///'],
    ['an address too long', `https://shop.example/${'a'.repeat(2048)}`, ['93.184.215.14']],
    ['a line break that the parser drops', 'https://127.0.\n0.1/'],
    ['a back slash', 'https://127.0.0.1\\@shop.example/', ['93.184.215.14']],
  ]
  for (const [name, url, addresses] of cases) {
    test(`${name}: ${url.slice(0, 60)}`, async () => {
      const guard = guardOf(addresses === undefined ? {} : { resolve: async () => addresses })
      await assert.rejects(guard.toWebhook(url, outgoing), isRefusal)
      guard.close()
    })
  }
})

describe('knows public addresses', () => {
  for (const address of ['93.184.215.14', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::1']) {
    test(`${address} is one`, () => { assert(isPublicAddress(address)) })
  }
  for (const text of ['', 'localhost', '1', '0177.0.0.1', '8.8.8', '2606:4700::1111%1', '8.8.8.8 ', '008.8.8.8']) {
    test(`"${text}" is none`, () => { assert(!isPublicAddress(text)) })
  }
  test('nothing that is private becomes public by being wrapped', () => {
    const hex = fc.integer({ min: 0, max: 0xffff }).map((part) => part.toString(16))
    fc.assert(fc.property(fc.constantFrom('::ffff:', '::', '64:ff9b::', '64:ff9b:1::', '2002:', 'fe80::', 'fc00::', 'ff00::'), hex, hex, (prefix, high, low) => {
      const wrapped = prefix === '2002:' ? `2002:${high}:${low}::` : `${prefix}${high}:${low}`
      assert(!isPublicAddress(wrapped))
    }))
  })
})

describe('a look at our own public address', () => {
  const guard = guardOf({
    ownAddresses: ['api.example:443', '[::1]:8443'], resolve: async () => { throw new Error('a merchant\'s resolver') },
    resolveOperators: async () => ['10.0.0.7'],
  })
  test('goes to its addresses, private or not, looked up as the operator\'s names are', async () => {
    assert.deepEqual((await guard.toOwn('api.example:443')).addresses, ['10.0.0.7'])
    assert.deepEqual((await guard.toOwn('[::1]:8443')).addresses, ['::1'])
  })
  for (const address of ['api.example:8443', 'other.example:443', '[::1]:443', '127.0.0.1:8443', 'api.example:443/x@evil.example', 'api.example.:443', '']) {
    test(`and nowhere else: "${address}"`, async () => { await assert.rejects(guard.toOwn(address), isRefusal) })
  }
  test('and its name is for no merchant\'s webhook', async () => {
    await assert.rejects(guardOf({ ownAddresses: ['api.example:443'], resolve: async () => ['10.0.0.7'] }).toWebhook('https://api.example/', outgoing), isRefusal)
  })
})

describe('with a server on this machine, allowed by name', () => {
  let server: Server
  let port = 0
  let answer: RequestListener = (_, response) => { response.end('{}') }
  let seenHosts: (string | undefined)[] = []
  before(async () => {
    server = createServer((request, response) => {
      seenHosts.push(request.headers.host)
      answer(request, response)
    })
    port = await portOf(server)
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const send = async (timeoutMs = 1_000): Promise<Transmission> => {
    const guard = guardOf({ allowPrivate: [`shop.test:${port}`], resolve: async () => ['127.0.0.1'] })
    try {
      return await guard.toWebhook(`http://shop.test:${port}/hook`, { ...outgoing, timeoutMs })
    } finally {
      guard.close()
    }
  }

  test('it is reached over plain HTTP, under its own name', async () => {
    seenHosts = []
    const sent = await send()
    assert.equal(sent.kind, 'answered')
    assert.deepEqual(seenHosts, [`shop.test:${port}`])
  })
  test('the same port under another name is refused', async () => {
    const guard = guardOf({ allowPrivate: [`shop.test:${port}`], resolve: async () => ['127.0.0.1'] })
    await assert.rejects(guard.toWebhook(`http://127.0.0.1:${port}/`, outgoing), isRefusal)
    await assert.rejects(guard.toWebhook(`http://other.test:${port}/`, outgoing), isRefusal)
    guard.close()
  })
  test('another port under the same name is refused', async () => {
    const guard = guardOf({ allowPrivate: ['shop.test:1'], resolve: async () => ['127.0.0.1'] })
    await assert.rejects(guard.toWebhook(`http://shop.test:${port}/`, outgoing), isRefusal)
    guard.close()
  })
  test('the name is resolved once, and the connection goes to what was checked (DNS rebinding)', async () => {
    seenHosts = []
    let asked = 0
    const guard = guardOf({
      allowPrivate: [`shop.test:${port}`],
      resolve: async () => (++asked === 1 ? ['127.0.0.1'] : ['127.0.0.2']),
    })
    assert.equal((await guard.toWebhook(`http://shop.test:${port}/`, outgoing)).kind, 'answered')
    assert.equal(asked, 1)
    assert.equal((await guard.toWebhook(`http://shop.test:${port}/`, outgoing)).kind, 'unreached')
    assert.equal(seenHosts.length, 1)
    guard.close()
  })
  test('a redirect is an answer, and is not followed', async () => {
    seenHosts = []
    answer = (_, response) => { response.writeHead(302, { location: `http://127.0.0.1:${port}/secret` }).end() }
    const sent = await send()
    assert(sent.kind === 'answered' && sent.status === 302)
    assert.equal(seenHosts.length, 1)
  })
  test('an answer past the bound is cut off', async () => {
    answer = (_, response) => { response.end(Buffer.alloc(answerBytesMax + 1)) }
    assert.deepEqual(await send(), { kind: 'lost', reason: 'an answer past the bound' })
  })
  test('an answer of exactly the bound is read', async () => {
    answer = (_, response) => { response.end(Buffer.alloc(answerBytesMax)) }
    assert.equal((await send()).kind, 'answered')
  })
  test('an answer that drips is cut off in time', async () => {
    answer = (_, response) => {
      const drip = setInterval(() => response.write('x'), 20)
      response.once('close', () => { clearInterval(drip) })
    }
    assert.deepEqual(await send(150), { kind: 'lost', reason: 'no whole answer in time' })
  })
  test('silence is lost, not unreached: somebody may have heard', async () => {
    answer = () => undefined
    assert.equal((await send(150)).kind, 'lost')
  })
  test('a connection cut in the middle of the answer is lost', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('x')
      setTimeout(() => response.destroy(), 20)
    }
    assert.equal((await send()).kind, 'lost')
  })
  test('headers past the bound are lost', async () => {
    answer = (_, response) => { response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end() }
    assert.equal((await send()).kind, 'lost')
  })
  test('the second address is tried while nothing has left', async () => {
    answer = (_, response) => { response.end() }
    const guard = guardOf({ allowPrivate: [`shop.test:${port}`], resolve: async () => ['127.0.0.2', '127.0.0.1'] })
    assert.equal((await guard.toWebhook(`http://shop.test:${port}/`, outgoing)).kind, 'answered')
    guard.close()
  })
  test('a webhook never reaches a payment network, not even one that is allowed by name', async () => {
    const guard = guardOf({
      providers: { momo: { baseUrl: `http://127.0.0.1:${port}` } }, allowPrivate: [`127.0.0.1:${port}`],
    })
    await assert.rejects(guard.toWebhook(`http://127.0.0.1:${port}/simulator/script`, outgoing), isRefusal)
    assert.equal((await guard.toProvider('momo', '/simulator/script', outgoing)).kind, 'answered')
    guard.close()
  })
})

test('a closed port and a name without an address are unreached: no byte left', async () => {
  const closing = createTcpServer()
  const port = await portOf(closing)
  await new Promise((resolve) => { closing.close(resolve) })
  const guard = guardOf({ allowPrivate: [`127.0.0.1:${port}`] })
  assert.deepEqual(await guard.toWebhook(`http://127.0.0.1:${port}/`, outgoing), { kind: 'unreached', reason: 'ECONNREFUSED' })
  assert.equal((await guard.toWebhook('https://gone.example/', outgoing)).kind, 'unreached')
  guard.close()
})

describe('to payment networks', () => {
  test('an unknown network is refused', async () => {
    await assert.rejects(guardOf({}).toProvider('momo', '/x', outgoing), isRefusal)
  })
  test('a provider on a private address is refused unless allowed by name', async () => {
    const guard = guardOf({ providers: { momo: { baseUrl: 'https://momo.example' } }, resolve: async () => ['10.0.0.1'] })
    await assert.rejects(guard.toProvider('momo', '/x', outgoing), isRefusal)
  })
  for (const path of ['', 'x', '//evil.example/', '/../x', '/x/../../y', '/x?y', '/x#y', '/%2e%2e/x', '/x y', '/x\\y', '/@evil']) {
    test(`refuses the path "${path}"`, async () => {
      const guard = guardOf({ providers: { momo: { baseUrl: 'https://momo.example/base' } }, resolve: async () => ['93.184.215.14'] })
      await assert.rejects(guard.toProvider('momo', path, outgoing), isRefusal)
    })
  }
})

describe('over TLS', () => {
  let port = 0
  let authority = ''
  let stop: () => void
  const seenNames: (string | false | undefined)[] = []
  before(async () => {
    const { key, certificate } = await selfSigned('shop.test')
    authority = certificate
    const server = createTlsServer({ key, cert: certificate }, (request, response) => {
      seenNames.push((request.socket as { servername?: string | false }).servername)
      response.end('{}')
    })
    port = await portOf(server)
    stop = () => {
      server.closeAllConnections()
      server.close()
    }
  })
  after(() => { stop() })
  const send = async (host: string, authorities?: readonly string[]): Promise<Transmission> => {
    const guard = guardOf({
      allowPrivate: [`${host}:${port}`], resolve: async () => ['127.0.0.1'], ...(authorities === undefined ? {} : { authorities }),
    })
    try {
      return await guard.toWebhook(`https://${host}:${port}/`, outgoing)
    } finally {
      guard.close()
    }
  }

  test('the name is sent and checked although the connection is made to the address', async () => {
    assert.equal((await send('shop.test', [authority])).kind, 'answered')
    assert.deepEqual(seenNames, ['shop.test'])
  })
  test('a certificate of another name is refused before anything is sent', async () => {
    assert.deepEqual(await send('other.test', [authority]), { kind: 'unreached', reason: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })
  test('a certificate that nobody vouches for is refused before anything is sent', async () => {
    assert.equal((await send('shop.test')).kind, 'unreached')
  })
  test('an address in place of a name needs a certificate of that address', async () => {
    assert.equal((await send('127.0.0.1', [authority])).kind, 'unreached')
  })
})

async function selfSigned(name: string): Promise<{ key: string; certificate: string }> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`, keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return { key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, certificate: certificate.toString('pem') }
}

describe('before the first byte', () => {
  let server: Server
  let port = 0
  let requests = 0
  before(async () => {
    server = createServer((_, response) => {
      requests++
      response.end()
    })
    port = await portOf(server)
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const send = async (beforeFirstByte: () => Promise<boolean>, timeoutMs = 1_000): Promise<Transmission> => {
    const guard = guardOf({ providers: { momo: { baseUrl: `http://127.0.0.1:${port}` } }, allowPrivate: [`127.0.0.1:${port}`] })
    requests = 0
    try {
      return await guard.toProvider('momo', '/x', { ...outgoing, timeoutMs, beforeFirstByte })
    } finally {
      guard.close()
    }
  }

  test('it asks when the connection stands, and writes after a yes', async () => {
    let asked = 0
    assert.equal((await send(async () => {
      asked++
      await new Promise((resolve) => { setTimeout(resolve, 30) })
      assert.equal(requests, 0)
      return true
    })).kind, 'answered')
    assert.deepEqual([asked, requests], [1, 1])
  })
  test('a no holds everything back: nothing was reached', async () => {
    assert.deepEqual(await send(async () => false), { kind: 'unreached', reason: 'held back' })
    assert.equal(requests, 0)
  })
  test('an answer that comes too late is a no', async () => {
    const sent = await send(() => new Promise((resolve) => { setTimeout(() => { resolve(true) }, 150) }), 60)
    assert.equal(sent.kind, 'unreached')
    await new Promise((resolve) => { setTimeout(resolve, 200) })
    assert.equal(requests, 0)
  })
  test('what it throws is thrown, and nothing left', async () => {
    await assert.rejects(send(async () => { throw new Fault('store/unavailable', 'away') }), (error) => error instanceof Fault && error.code === 'store/unavailable')
    assert.equal(requests, 0)
  })
  test('nobody is asked where nobody is reached', async () => {
    const guard = guardOf({ providers: { momo: { baseUrl: 'http://127.0.0.1:1' } }, allowPrivate: ['127.0.0.1:1'] })
    const sent = await guard.toProvider('momo', '/x', { ...outgoing, beforeFirstByte: async () => assert.fail('asked') })
    assert.equal(sent.kind, 'unreached')
    guard.close()
  })
})

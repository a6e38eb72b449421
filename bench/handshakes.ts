import { connect } from 'node:tls'
import { makeOcspResponse, OcspAuthority } from '@ngome/testkit'
import { median, timeCase, type BenchReport } from './harness.ts'
import type { StaplingOrder, StaplingServers } from './sides/stapling-servers.ts'
import { Worker } from './sides/worker.ts'

const rounds = 200
const batch = 10
const warmUpRounds = 20

/** What a handshake costs the server's processor, with a staple and without, and what listening for nothing would. */
export async function bench(): Promise<BenchReport> {
  const authority = await OcspAuthority.create()
  const leaf = await authority.issue({ responder: 'http://ocsp.example/' })
  const staple = makeOcspResponse({ leaf: leaf.certificate, issuer: authority.root.certificate, signer: authority.root })
  const worker = new Worker('sides/stapling-servers.ts')
  try {
    const certificate = { key: leaf.key, cert: authority.chainOf(leaf) }
    const ports = await worker.ask<StaplingServers>({ certificate, staple: Buffer.from(staple).toString('base64') } satisfies StaplingOrder)
    const sides = Object.entries(ports).flatMap(([name, port]) => [true, false].map((isAsking) => ({ name, port, isAsking, cpu: [] as number[] })))
    for (let round = -warmUpRounds; round < rounds; round++) {
      const first = Math.abs(round) % sides.length
      for (const { port, isAsking, cpu } of [...sides.slice(first), ...sides.slice(0, first)]) {
        const before = await worker.ask<number>('cpu' as never)
        for (let count = 0; count < batch; count++) await handshake(port, authority.root.cert, isAsking)
        if (round >= 0) cpu.push((await worker.ask<number>('cpu' as never) - before) / batch)
      }
    }
    const of = (name: string, isAsking: boolean): number => median(sides.find((side) => side.name === name && side.isAsking === isAsking)?.cpu ?? [])
    return { bench: 'handshakes', cases: [
      timeCase('stapled, to a client that asks', 'µs', of('stapling', true), of('none', true)),
      timeCase('stapled, to a client that does not ask', 'µs', of('stapling', false), of('none', false)),
      timeCase('listened for and nothing stapled, to a client that asks', 'µs', of('listening', true), of('none', true)),
      timeCase('listened for and nothing stapled, to one that does not', 'µs', of('listening', false), of('none', false)),
    ], notes }
  } finally {
    worker.stop()
  }
}

const notes = [
  'CPU time of the serving process for each full handshake of TLS 1.3 (P-256 certificate, X25519MLKEM768), in turns of short batches.',
  'The baseline is the same server in the same process where nobody listens to \'OCSPRequest\'. A gateway listens while it has a staple.',
]

function handshake(port: number, ca: string, requestOCSP: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, requestOCSP })
    socket.once('error', reject)
    socket.once('close', () => { resolve() })
    socket.resume()
  })
}

import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { contentDigest, proveMerchantKey, readSignature, signMerchantKey, type MerchantKey, type ProvenMerchantKey, type StatedSignature } from '@ngome/signatures'
import { TestAuthority } from '@ngome/testkit'

const from = { clock: systemClock, random: systemRandom }
const custodian = generateKeyPairSync('ed25519')
const keyMs = 60_000

export type PlayedCall = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
export type PlayedAnswer = readonly [status: number, text: string]

/** A gateway that a test plays: it hears over TLS what a probe asks, and says what the test wants. */
export class PlayedGateway {
  readonly #server: Server
  readonly #authority: TestAuthority

  private constructor(server: Server, authority: TestAuthority) {
    this.#server = server
    this.#authority = authority
  }

  static async start(answer: (call: PlayedCall) => Promise<PlayedAnswer>): Promise<PlayedGateway> {
    const authority = await TestAuthority.create()
    const server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (call, response) => {
      const chunks: Buffer[] = []
      call.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        const { method = '', url: path = '', headers } = call
        void answer({ method, path, headers, body: Buffer.concat(chunks) }).then(([status, text]) => response.writeHead(status, { connection: 'close' }).end(text))
      })
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return new PlayedGateway(server, authority)
  }

  /** What a probe's target needs to reach it. */
  get target() {
    return { gateway: { name: 'gateway', host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }, authority: this.#authority.pem }
  }

  stop(): void {
    this.#server.close()
  }
}

/** What a call's signature states, and whether it is over this body; whose it is, is not looked at. */
export function signatureOf({ method, path, headers, body }: PlayedCall): { readonly stated: StatedSignature; readonly isOverBody: boolean } | undefined {
  const field = (name: string): string | undefined => headers[name]?.toString()
  const reading = readSignature({ method, target: path, host: headers.host ?? '', field }, from.clock.nowMs())
  return reading.ok ? { stated: reading.stated, isOverBody: field('content-digest') === (body.length === 0 ? undefined : contentDigest(body)) } : undefined
}

/** A key to sign with, as a custodian states it. */
export function provenSigner(tenant: Tenant, publicKey: KeyObject): ProvenMerchantKey {
  const row: MerchantKey = {
    id: newId('merchantSigningKey', from), tenant, algorithm: 'rsa-pss-sha512', uses: ['sign'], expiresAtMs: from.clock.nowMs() + keyMs,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
  }
  return proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), createPublicKey(custodian.privateKey), from.clock.nowMs()) ?? assert.fail()
}

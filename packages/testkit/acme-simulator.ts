import { spawn } from 'node:child_process'
import { request } from 'node:https'
import { join, resolve } from 'node:path'
import { compiledBefore } from './compiled-before.ts'
import { WatchedChild } from './watched-child.ts'

export type AcmeSimulatorBooks = {
  readonly accounts: readonly { readonly id: string; readonly contact: readonly string[] }[]
  readonly orders: readonly { readonly status: string; readonly names: readonly string[]; readonly replaces: string | null; readonly chain: string | null }[]
}

const startMsMax = 30_000
const endMsMax = 20_000
const repository = resolve(import.meta.dirname, '..', '..')

/**
 * The ACME simulator as its own process, on a free port. `settings` are its environment variables without their common
 * prefix.
 */
export class AcmeSimulator {
  /** The root that its own HTTPS and what it issues are trusted by, PEM. */
  readonly root: string
  readonly port: number
  readonly #child: WatchedChild

  private constructor(child: WatchedChild, { port, root }: { readonly port: number; readonly root: string }) {
    this.#child = child
    this.port = port
    this.root = root
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<AcmeSimulator> {
    const { flags, env } = compiledBefore()
    const child = spawn(process.execPath, [
      '--permission', '--allow-net', `--allow-fs-read=${repository}`, ...flags, '--no-experimental-sqlite', '--disable-warning=ExperimentalWarning',
      join(repository, 'simulators', 'acme', 'main.ts'),
    ], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...env, ...Object.fromEntries(Object.entries({ PORT: '0', ...settings }).map(([name, value]) => [`ACME_SIMULATOR_${name}`, value])) },
    })
    const watched = new WatchedChild('ACME simulator', child)
    let ready: { readonly port: number; readonly root: string } | undefined
    child.once('message', (message) => { ready = message as { readonly port: number; readonly root: string } })
    await watched.until('port', () => ready !== undefined, startMsMax)
    return new AcmeSimulator(watched, ready ?? { port: 0, root: '' })
  }

  get directoryUrl(): string {
    return `https://localhost:${this.port}/directory`
  }

  /** Puts bad manners in force, in place of those before. */
  async script(...rules: readonly object[]): Promise<void> {
    await this.#call('POST', '/simulator/script', { rules })
  }

  async books(): Promise<AcmeSimulatorBooks> {
    return await this.#call('GET', '/simulator/books') as AcmeSimulatorBooks
  }

  /** As an authority that lost its accounts would. */
  async forget(): Promise<void> {
    await this.#call('POST', '/simulator/forget', {})
  }

  /** Certifies who answers OCSP for it. @param csr PKCS #10, PEM @returns PEM */
  async certifyResponder(csr: string): Promise<string> {
    return (await this.#call('POST', '/simulator/responder', { csr }) as { readonly certificate: string }).certificate
  }

  async stop(): Promise<void> {
    await this.#child.end('SIGTERM', endMsMax)
  }

  #call(method: string, path: string, body?: object): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body)
    return new Promise((done, failed) => {
      const outgoing = request({
        host: '127.0.0.1', servername: 'localhost', port: this.port, path, method, ca: this.root, agent: false, headers: { 'content-length': Buffer.byteLength(text) },
      }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', failed)
        incoming.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8')
          if (incoming.statusCode === 200) done(JSON.parse(answer))
          else failed(new Error(`${path} answered ${incoming.statusCode}: ${answer}`))
        })
      })
      outgoing.on('error', failed)
      outgoing.end(text)
    })
  }
}

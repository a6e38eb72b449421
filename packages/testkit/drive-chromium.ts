import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnChromium } from './spawn-chromium.ts'

const startMsMax = 30_000
const callMsMax = 20_000
const lookMs = 50

export type DriveOptions = {
  /** Public keys of servers, SHA-256 in base64, that the browser takes without a certificate from the system's authorities. */
  readonly trustedKeys: readonly string[]
  /** Names that lead to this machine, as `host:port`, with the port that they really are at. */
  readonly hosts: Readonly<Record<string, number>>
}

/** A window of a real Chromium that a test visits pages with, as a person does. */
export class DrivenChromium {
  readonly #socket: WebSocket
  readonly #close: () => Promise<void>
  readonly #waiting = new Map<number, (answer: { readonly result?: unknown; readonly error?: { readonly message: string } }) => void>()
  /** What the browser complained of: refused by a policy, failed to load, thrown by a script. */
  readonly complaints: string[] = []
  #calls = 0

  private constructor(socket: WebSocket, close: () => Promise<void>) {
    this.#socket = socket
    this.#close = close
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Message))
  }

  static async start(chromium: string, { trustedKeys, hosts }: DriveOptions): Promise<DrivenChromium> {
    const rules = Object.entries(hosts).map(([host, port]) => `MAP ${host} 127.0.0.1:${port}`)
    const { folder, close } = spawnChromium(chromium, trustedKeys, ['--remote-debugging-port=0', `--host-resolver-rules=${rules.join(',')}`, 'about:blank'])
    try {
      const driven = new DrivenChromium(await connect(folder), close)
      for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await driven.call(`${domain}.enable`)
      return driven
    } catch (error) {
      await close()
      throw error
    }
  }

  /** A command of the DevTools protocol. */
  async call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#calls
    const { promise, resolve } = Promise.withResolvers<{ readonly result?: unknown; readonly error?: { readonly message: string } }>()
    this.#waiting.set(id, resolve)
    this.#socket.send(JSON.stringify({ id, method, params }))
    const answer = await Promise.race([promise, sleep(callMsMax, undefined, { ref: false })])
    if (answer?.result === undefined) throw new Error(`${method}: ${answer?.error?.message ?? 'no answer'}`)
    return answer.result
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.call('Runtime.evaluate', { expression, returnByValue: true }) as { readonly result: { readonly value?: unknown } }
    return result.value
  }

  /** Waits until an expression in the page is true; a page on its way to another has none. */
  async until(expression: string, msMax = callMsMax): Promise<void> {
    const end = performance.now() + msMax
    while (performance.now() < end) {
      if (await this.evaluate(expression).catch(() => undefined) === true) return
      await sleep(lookMs)
    }
    throw new Error(`it did not come to be: ${expression}; the page says: ${String(await this.evaluate('document.body.innerText'))}`)
  }

  async visit(url: string): Promise<void> {
    await this.call('Page.navigate', { url })
    await this.until(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`)
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.#close()
  }

  #hear({ id, method, params, ...answer }: Message): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    }
    if (method === 'Log.entryAdded' && params?.entry?.level === 'error') this.complaints.push(params.entry.text ?? '')
    if (method === 'Runtime.exceptionThrown') this.complaints.push(params?.exceptionDetails?.text ?? 'an exception')
  }
}

type Message = {
  readonly id?: number; readonly result?: unknown; readonly error?: { readonly message: string }; readonly method?: string
  readonly params?: { readonly entry?: { readonly level?: string; readonly text?: string }; readonly exceptionDetails?: { readonly text?: string } }
}

/** The browser says in its folder at which port it listens. */
async function connect(folder: string): Promise<WebSocket> {
  const end = performance.now() + startMsMax
  while (performance.now() < end) {
    const [port] = readIfThere(join(folder, 'DevToolsActivePort')).split('\n')
    if (port !== undefined && port !== '') {
      const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json() as readonly { readonly type: string; readonly webSocketDebuggerUrl: string }[]
      const page = targets.find(({ type }) => type === 'page')
      if (page !== undefined) {
        const socket = new WebSocket(page.webSocketDebuggerUrl)
        await once(socket, 'open')
        return socket
      }
    }
    await sleep(lookMs)
  }
  throw new Error('the browser did not start')
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

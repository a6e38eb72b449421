import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { env } from 'node:process'
import { spawnChromium } from './spawn-chromium.ts'

const programs = ['chromium', 'chromium-browser', 'google-chrome']
const answerMsMax = 60_000
const modulePath = /^\/(?:packages|node_modules)\/[@\w/.-]+\.[jt]s$/
const root = join(import.meta.dirname, '..', '..')

/** @returns where the system's Chromium is, or `undefined` where it is not installed */
export function chromiumPath(): string | undefined {
  const paths = (env['PATH'] ?? '').split(':').flatMap((folder) => programs.map((program) => join(folder, program)))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export type PageOptions = {
  /** Which name of this machine the page is under, and on which port: together with `http` its origin. Any port where left out. */
  readonly host?: 'localhost' | '127.0.0.1'
  readonly port?: number
  /** Public keys of servers, SHA-256 in base64, that the browser takes without a certificate from the system's authorities. */
  readonly trustedKeys?: readonly string[]
}

/**
 * Runs a module in a page of a real Chromium: it may import files of this repository by `/path/from/its/root` (types are taken
 * out on the way) and packages by name, where `packages` has them, and `answer(text)` ends it.
 * @returns what the page answered
 */
export async function runInChromium(
  chromium: string, script: string, packages: readonly string[], { host = '127.0.0.1', port = 0, trustedKeys = [] }: PageOptions = {},
): Promise<string> {
  const answer = Promise.withResolvers<string>()
  const imports = Object.fromEntries(packages.map((name) => [`${name}/`, `/node_modules/${name}/`]))
  const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script><script>
    const answer = (text) => fetch('/answer', { method: 'POST', body: text })
    addEventListener('unhandledrejection', ({ reason }) => answer('failed: ' + reason))
    // In its first phase: a module that does not load says so to its element alone.
    addEventListener('error', ({ message, target }) => {
      if (message !== undefined || target.type === 'module') answer('failed: ' + (message ?? 'a module did not load'))
    }, true)
  </script><script type="module">${script}</script>`
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (path === '/answer') return void collect(request).then(answer.resolve, answer.reject)
    const text = path === '/' ? page : moduleAt(path)
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': path === '/' ? 'text/html; charset=utf-8' : 'text/javascript' })
    response.end(text)
  })
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve) })
  const { browser, close } = spawnChromium(chromium, trustedKeys, [`http://${host}:${(server.address() as AddressInfo).port}/`])
  const deadline = setTimeout(() => answer.reject(new Error('the page did not answer')), answerMsMax)
  browser.on('error', answer.reject)
  try {
    return await answer.promise
  } finally {
    clearTimeout(deadline)
    await close()
    server.closeAllConnections()
    server.close()
  }
}

function moduleAt(path: string): string | undefined {
  if (!modulePath.test(path) || path.includes('..') || !existsSync(join(root, path))) return undefined
  const text = readFileSync(join(root, path), 'utf8')
  return path.endsWith('.ts') ? stripTypeScriptTypes(text) : text
}

async function collect(body: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString('utf8')
}

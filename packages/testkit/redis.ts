import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './free-ports.ts'

const startMsMax = 10_000

/** For a test's `skip`: `false` where a server is installed, else what is missing. */
export function redisIsMissing(): string | false {
  return program() === undefined ? 'needs the package redis-server or valkey-server' : false
}

function program(): string | undefined {
  return ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).error === undefined)
}

/** A real Valkey or Redis on loopback, in a folder of its own, that keeps nothing on disk. */
export class RedisServer {
  readonly port: number
  readonly #args: readonly string[]
  readonly #folder = mkdtempSync(join(tmpdir(), 'ngome-redis-'))
  #child: ChildProcess | undefined

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
  }

  /** @param args further directives, such as `--tls-port` */
  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const [port = 0] = await freePorts(1)
    const server = new RedisServer(port, args)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    this.#child = spawn(program() ?? 'redis-server', [
      '--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction',
      '--dir', this.#folder, ...this.#args,
    ], { stdio: 'ignore' })
    for (let ms = 0; !await this.#answers(); ms += 20) {
      if (ms > startMsMax) throw new Error('the server did not start')
      await sleep(20)
    }
  }

  /** As a machine that hangs: connections stay, and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => { child.once('exit', resolve) })
    child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.port })
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
  }
}

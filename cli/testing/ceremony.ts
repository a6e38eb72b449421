import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const main = resolve(import.meta.dirname, '..', 'main.ts')
const stepMsMax = 20_000
const sharePattern = /^[0-9a-z]{6}(?:-[0-9a-z]{6}){11}$/gm

/** `ngome keys ceremony` with its keyboard and screen in the test's hands. */
export class CeremonyCommand {
  readonly child: ChildProcess
  /** What it has written so far, on both its outputs. */
  screen = ''
  readonly #closed: Promise<unknown[]>

  constructor(env: NodeJS.ProcessEnv, ...args: readonly string[]) {
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'keys', 'ceremony', ...args], {
      env, stdio: ['pipe', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { this.screen += text })
    this.child.stdin?.on('error', () => undefined)
    this.#closed = once(this.child, 'close')
  }

  type(text: string): void {
    this.child.stdin?.write(text)
  }

  /** Waits until the pattern is on the screen so many times. */
  async until(pattern: RegExp, times = 1): Promise<void> {
    for (const from = performance.now(); (this.screen.match(new RegExp(pattern, 'g')) ?? []).length < times; await sleep(20)) {
      const isLate = performance.now() - from > stepMsMax || this.child.exitCode !== null
      if (isLate && (this.screen.match(new RegExp(pattern, 'g')) ?? []).length < times) throw new Error(`no ${String(pattern)} on the screen:\n${this.screen}`)
    }
  }

  /** Closes its keyboard. @returns its exit code */
  async end(): Promise<number | null> {
    this.child.stdin?.end()
    await this.#closed
    return this.child.exitCode
  }
}

/** Makes a set as its holders do, one after the other. @returns their shares */
export async function makeShares(env: NodeJS.ProcessEnv, shares: number, threshold: number): Promise<readonly string[]> {
  const command = new CeremonyCommand(env, '--init', '--shares', String(shares), '--threshold', String(threshold))
  const texts = await handOut(command, shares)
  if (await command.end() !== 0) throw new Error(command.screen)
  return texts
}

/** Replaces the set of a running custodian: the new one is handed out, and its first holders show theirs. @returns the new shares */
export async function replaceShares(env: NodeJS.ProcessEnv, shares: number, threshold: number): Promise<readonly string[]> {
  const command = new CeremonyCommand(env, '--rotate', '--shares', String(shares), '--threshold', String(threshold))
  const texts = await handOut(command, shares)
  for (const [at, share] of texts.slice(0, threshold).entries()) {
    await command.until(/Next holder/, at + 1)
    command.type(`${share}\n`)
  }
  await command.until(/is being replaced/)
  if (await command.end() !== 0) throw new Error(command.screen)
  return texts
}

/** Each holder presses Enter, writes his share down, and presses Enter. */
async function handOut(command: CeremonyCommand, shares: number): Promise<readonly string[]> {
  for (let number = 1; number <= shares; number++) {
    await command.until(new RegExp(`Holder ${number} of ${shares}`))
    command.type('\n')
    await command.until(/Write it down/, number)
    command.type('\n')
  }
  await command.until(/is made/)
  return command.screen.match(sharePattern) ?? []
}

/** Enters shares as their holders do. @returns what was on the screen, and the exit code */
export async function enterShares(env: NodeJS.ProcessEnv, shares: readonly string[]): Promise<{ readonly code: number | null; readonly screen: string }> {
  const command = new CeremonyCommand(env)
  for (const [at, share] of shares.entries()) {
    await command.until(/Next holder/, at + 1)
    command.type(`${share}\n`)
  }
  if (shares.length > 0) await command.until(/has its root key|Next holder/, shares.length + 1)
  return { code: await command.end(), screen: command.screen }
}

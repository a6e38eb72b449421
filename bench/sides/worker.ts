import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A process of the benchmark: a question, an answer, and the CPU that it used. */
export class Worker {
  readonly #child: ChildProcess

  constructor(file: string) {
    this.#child = fork(join(import.meta.dirname, '..', file), { execArgv: ['--disable-warning=ExperimentalWarning'] })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  ask<A>(question: object): Promise<A> {
    return new Promise((resolve, reject) => {
      const failed = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code}`))
      this.#child.once('exit', failed)
      this.#child.once('message', (answer) => {
        this.#child.removeListener('exit', failed)
        resolve(answer as A)
      })
      this.#child.send(question)
    })
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

const ticksPerSecond = 100

/** User and system CPU time of a process so far, in seconds; `undefined` where the system does not tell (not Linux). */
export function cpuSeconds(pid: number): number | undefined {
  try {
    // proc(5): fields 14 and 15, counted behind the command's closing parenthesis, which may hold anything before.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  } catch {
    return undefined
  }
}

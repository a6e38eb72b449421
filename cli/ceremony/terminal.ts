import { fstatSync, readSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream } from 'node:tty'
import { Fault, wipeableBytes } from '@ngome/kernel'
import { Misuse } from '../command.ts'

const pollMs = 15
/** A share has 83 characters; whoever types spaces for hyphens, and corrects himself, stays far below. */
export const typedBytesMax = 256
const key = { interrupt: 0x03, end: 0x04, backspace: 0x08, lineFeed: 0x0a, enter: 0x0d, killLine: 0x15, erase: 0x7f } as const

/**
 * The holder's screen and keyboard. What he types is not shown; it is read byte for byte into one buffer, since what
 * Node's streams have read nobody could wipe. A pipe serves as well as a terminal.
 */
export class Terminal {
  readonly #input: ReadStream | undefined
  readonly #typed = wipeableBytes(typedBytesMax)
  readonly #one = wipeableBytes(1)
  readonly #write: (text: string) => void
  readonly #isScreen: boolean
  readonly #onExit = (): void => this.close()

  /** @param write a line for the holder that is no secret */
  constructor(write: (line: string) => void, isScreen: boolean) {
    this.#write = write
    this.#isScreen = isScreen
    // Node sets a terminal or pipe that it has opened to answer at once where nothing is there; it reads nothing itself.
    const { stdin } = process
    this.#input = stdin.isTTY ? stdin : undefined
    this.#input?.setRawMode(true)
    process.once('exit', this.#onExit)
  }

  say(line: string): void {
    this.#write(line)
  }

  /** Clears the screen, and what had scrolled away. */
  clear(): void {
    if (this.#isScreen) writeAll(Buffer.from('\x1b[2J\x1b[3J\x1b[H'))
  }

  /** Shows what nobody else may see, from bytes that the caller wipes. @throws Misuse where a file would keep it */
  show(bytes: Uint8Array): void {
    assertNoFile()
    writeAll(bytes)
    writeAll(Buffer.from('\n'))
  }

  /**
   * Reads a line that is not shown and hands it over, to be wiped right after.
   * @throws Fault `launcher/failed` where nothing more comes, or Ctrl-C did
   */
  async hidden<T>(use: (typed: Uint8Array) => T | Promise<T>): Promise<T> {
    try {
      return await use(this.#typed.subarray(0, await this.#readLine()))
    } finally {
      this.#typed.fill(0)
    }
  }

  /** Waits for Enter. */
  async enter(): Promise<void> {
    await this.hidden(() => undefined)
  }

  /** Gives the terminal back, and wipes what was typed. */
  close(): void {
    process.removeListener('exit', this.#onExit)
    this.#typed.fill(0)
    this.#one.fill(0)
    this.#input?.setRawMode(false)
  }

  async #readLine(): Promise<number> {
    for (let length = 0; ;) {
      const byte = await this.#readByte()
      if (byte === undefined || byte === key.interrupt || byte === key.end) {
        throw new Fault('launcher/failed', 'the ceremony was left; shares that were entered are kept in memory for 15 minutes at most')
      }
      if (byte === key.enter || byte === key.lineFeed) return length
      if (byte === key.killLine) length = 0
      else if (byte === key.backspace || byte === key.erase) length = Math.max(0, length - 1)
      // What is too long is no share; it is read to its end all the same, so that the rest is not taken for the next.
      else if (length < typedBytesMax) this.#typed[length++] = byte
    }
  }

  async #readByte(): Promise<number | undefined> {
    for (;;) {
      try {
        const count = readSync(0, this.#one, 0, 1, null)
        return count === 0 ? undefined : this.#one[0]
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === 'EOF') return undefined
        if (code !== 'EAGAIN') throw cause
        await sleep(pollMs)
      }
    }
  }
}

/** A share in a file is a share that others will find. */
export function assertNoFile(): void {
  if (fstatSync(1).isFile()) throw new Misuse('shares are shown on a terminal, and never written to a file')
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw cause
    }
  }
}

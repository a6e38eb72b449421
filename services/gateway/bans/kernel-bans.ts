import { Socket } from 'node:net'
import { formatBanOrder } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'

/** A helper that does not read is given no more than this; bans stand in this process all the same. */
const waitingBytesMax = 65_536

export type KernelBans = { set(network: string, seconds: number): void; close(): void }

/**
 * Orders bans from the helper that may change the kernel's set, over the pipe that the launcher gave us.
 * @param fd of one end of a stream socket
 */
export function kernelBans(fd: number, logger: Logger): KernelBans {
  const pipe = new Socket({ fd, readable: false, writable: true })
  pipe.unref()
  pipe.on('error', (err) => logger.warn({ err }, 'the ban helper is gone: bans are this process\u2019s own until it is replaced'))
  return {
    set: (network, seconds) => {
      if (pipe.writable && pipe.writableLength < waitingBytesMax) pipe.write(formatBanOrder(network, seconds))
    },
    close: () => pipe.destroy(),
  }
}

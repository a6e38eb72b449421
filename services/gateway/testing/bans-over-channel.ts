import { launcherChannel, createLogger } from '@ngome/runtime'
import { BanList } from '../bans/ban-list.ts'
import { KernelBans } from '../bans/kernel-bans.ts'

/** A process with a channel that bans one network at its start, and orders its bans wherever the launcher says. */
const logger = createLogger({ process: 'gateway', level: 'fatal' })
const kernel = new KernelBans(logger, () => bans.tellAll())
const bans: BanList = new BanList({
  trusted: [], monotonicMs: () => performance.now(), onBan: () => undefined, onChange: (network, seconds) => kernel.set(network, seconds), onForget: () => kernel.forget(),
})
while (!bans.isBanned('192.0.2.1')) bans.note('request/malformed', '192.0.2.1')
const channel = launcherChannel()
channel.onBans((pipe) => kernel.use(pipe))
channel.onDrain(() => process.exit(0))
channel.tell({ type: 'ready' })

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, Registry } from 'prom-client'

const nanosecondsPerSecond = 1e9
const microsecondsPerSecond = 1e6

/**
 * Makes a process's own registry with what every process tells. The library's default metrics are not used: they read
 * `/proc`, which the permission model forbids.
 */
export function createMetrics(process_: { readonly process: string }): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ process: process_.process })
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  gauge(registry, 'process_cpu_seconds_total', 'User and system CPU time.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / microsecondsPerSecond
  })
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge(registry, 'process_uptime_seconds', 'Time since the start.', () => process.uptime())
  gauge(registry, 'nodejs_heap_used_bytes', 'Used heap.', () => process.memoryUsage().heapUsed)
  gauge(registry, 'nodejs_eventloop_delay_p99_seconds', 'Event loop delay since the last look, 99th percentile.', () => {
    const p99 = delay.percentile(99) / nanosecondsPerSecond
    delay.reset()
    return p99
  })
  return registry
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(new Gauge({
    name, help, registers: [],
    collect() {
      this.set(read())
    },
  }))
}

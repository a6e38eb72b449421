import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { pressureBounds, type LoopPressure } from './loop-pressure.ts'

const resolutionMs = 10
const nanosecondsPerMs = 1e6

/** Tells the pressure how far the event loop is behind, four times a second. @returns what ends it */
export function watchLoop(pressure: LoopPressure, afterEach: () => void): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  let before = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    // What it measures is from one of its timers to the next, the pause between them included.
    pressure.observe(histogram.count === 0 ? pressureBounds.tickMs : histogram.mean / nanosecondsPerMs - resolutionMs, utilization)
    histogram.reset()
    afterEach()
  }, pressureBounds.tickMs).unref()
  return () => {
    clearInterval(timer)
    histogram.disable()
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type SpawnedChromium = { readonly browser: ChildProcess; readonly folder: string; readonly close: () => Promise<void> }

/**
 * Starts a headless Chromium with a profile of its own.
 * @param trustedKeys public keys of servers, SHA-256 in base64, that it takes without a certificate from the system's authorities
 * @param more arguments, the page to show last
 */
export function spawnChromium(chromium: string, trustedKeys: readonly string[], more: readonly string[]): SpawnedChromium {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-chromium-'))
  const browser = spawn(chromium, [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
    ...(trustedKeys.length === 0 ? [] : [`--ignore-certificate-errors-spki-list=${trustedKeys.join(',')}`]),
    `--user-data-dir=${folder}`, ...more,
  ], { stdio: 'ignore', detached: true })
  return {
    browser, folder,
    close: async () => {
      const ended = browser.exitCode === null ? once(browser, 'exit') : undefined
      // Its whole group: a browser is many processes.
      if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

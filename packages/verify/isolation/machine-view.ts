/** A process of the platform, as the kernel shows it; `undefined` where this system has no /proc or hides it. */
export type ProcessView = {
  readonly name: string
  readonly pid: number
  readonly status: string | undefined
  readonly limits: string | undefined
  readonly commandLine: readonly string[] | undefined
  /** Whether it holds the socket that its starter gave it as a channel; the other end is its starter's. */
  readonly channel: 'open' | 'none' | undefined
}

/** A file or folder that somebody must not read. */
export type FileView = { readonly path: string; readonly mode: number; readonly uid: number }

/** What stands between the processes, as the launcher says and as the machine shows. */
export type MachineView = {
  /** The launcher's own report: each means of isolation, on, or off with the reason. */
  readonly report: Readonly<Record<string, { readonly status: string; readonly reason?: string | undefined }>> | undefined
  /** The launcher that the processes should be children of, as it notes itself. */
  readonly launcherPid: number | undefined
  readonly processes: readonly ProcessView[]
  /** Files with keys or passwords, and the folders of the processes. */
  readonly secretFiles: readonly FileView[]
}

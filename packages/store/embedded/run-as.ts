/** The user that PostgreSQL runs as, which it needs where we are root; it must have an entry in the user table. */
export type RunAs = { readonly uid: number; readonly gid: number; readonly user: string }

/** Directories of the sharded layout whose own entry in the root is known to be on the disk. */
export const rooted = new Set<string>()

/**
 * A path of Windows without its namespace: behind `\\?\` no slash separates names, and ours do. Node puts it in front of
 * long paths by itself.
 */
export function plainPath(path: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32') return path
  const share = /^\\\\\?\\UNC\\(.*)$/is.exec(path)?.[1]
  if (share !== undefined) return `\\\\${share}`
  return /^\\\\\?\\([a-z]:.*)$/is.exec(path)?.[1] ?? path
}

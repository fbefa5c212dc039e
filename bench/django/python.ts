import { spawnSync } from 'node:child_process'

/** The Python that knows Django: `DJANGO_PYTHON`, or whichever is found; `undefined` when none does. */
export function findDjango(): { readonly python: string; readonly version: string } | undefined {
  for (const python of [process.env.DJANGO_PYTHON, 'python3', '/usr/bin/python3']) {
    if (python === undefined) continue
    const asked = spawnSync(python, ['-c', 'import django; print(django.get_version())'], {
      encoding: 'utf8',
    })
    if (asked.status === 0) return { python, version: asked.stdout.trim() }
  }
  return undefined
}

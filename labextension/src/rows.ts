import type { Community, Problem, Project } from './api';
import type { CommunityEntry } from './resources';

/** A line of the list of communities and projects; `key` names it whatever comes before it. */
export type Row =
  | {
      readonly kind: 'community';
      readonly key: string;
      readonly community: Community;
      /** How many projects are below it, or would be if it were unfolded; null: not known yet. */
      readonly count: number | null;
      readonly folded: boolean;
    }
  | { readonly kind: 'project'; readonly key: string; readonly project: Project }
  /** In the place of a community's projects: they have not come yet, could not be had, or there are none. */
  | { readonly kind: 'waiting' | 'empty'; readonly key: string }
  | { readonly kind: 'problem'; readonly key: string; readonly problem: Problem };

/**
 * The lines for what is searched for: a community whose name has all words is shown whole, of another one the
 * projects whose name, ID or description has them. A search looks into folded communities, too.
 */
export function rowsOf(entries: readonly CommunityEntry[], search: string, folded: ReadonlySet<string>): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: Row[] = [];
  for (const { community, projects, problem } of entries) {
    const whole = has(words, community.name, community.id);
    const found =
      whole || projects === null
        ? projects
        : projects.filter(({ name, id, description }) => has(words, name, id, description));
    if (!whole && (found === null || found.length === 0)) {
      continue;
    }
    const closed = words.length === 0 && folded.has(community.id);
    rows.push({
      kind: 'community',
      key: community.id,
      community,
      count: found?.length ?? null,
      folded: closed,
    });
    if (closed) {
      continue;
    }
    for (const project of found ?? []) {
      rows.push({ kind: 'project', key: project.id, project });
    }
    if (problem !== null) {
      rows.push({ kind: 'problem', key: `${community.id}:problem`, problem });
    } else if (found === null) {
      rows.push({ kind: 'waiting', key: `${community.id}:waiting` });
    } else if (found.length === 0) {
      rows.push({ kind: 'empty', key: `${community.id}:empty` });
    }
  }
  return rows;
}

function has(words: readonly string[], ...texts: (string | undefined)[]): boolean {
  return words.every(word => texts.some(text => text?.toLowerCase().includes(word)));
}

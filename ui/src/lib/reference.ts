/** Image references: composed from their parts, and checked. */

/** `registry/namespace/name:version`, leaving out what is empty. */
export function reference(registry: string, repository: string, tag: string): string {
  return `${[registry, repository].filter(Boolean).join("/")}:${tag}`;
}

export function repository(namespace: string, name: string): string {
  return namespace ? `${namespace.replace(/\/+$/, "")}/${name}` : name;
}

/** All of a repository but its last component. */
export function namespaceOf(repository: string): string {
  return repository.split("/").slice(0, -1).join("/");
}

/** What is wrong with a repository or a tag; `null` if nothing is. The studio checks it again. */
export function referenceProblem(repository: string, tag: string): string | null {
  const word = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  if (!new RegExp(`^${word}(?:/${word})*$`).test(repository)) {
    return /[A-Z]/.test(repository)
      ? "A repository is written in lower case."
      : "A repository is lower-case letters, digits and . _ - between them, with / between its words.";
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag))
    return "A tag is letters, digits and . _ - and starts with a letter, a digit or _.";
  return null;
}

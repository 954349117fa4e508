/** Where a registry's password is, in words. */
import type { CredentialStore } from "../generated/contract";

export const keptWords: Record<CredentialStore, string> = {
  keychain: "password in the keychain",
  "docker-config": "password in Docker's config",
  session: "signed in until you quit",
};

/** Labels for where the password of a registry is stored. */
import type { CredentialStore } from "../generated/contract";

export const credentialStores: Record<CredentialStore, string> = {
  keychain: "password in the keychain",
  "docker-config": "password in Docker's config",
  session: "signed in until you quit",
};

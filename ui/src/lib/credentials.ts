/** Labels for where the password of a registry is stored. */
import type { Kept } from "../generated/contract";

export const credentialStores: Record<Kept, string> = {
  keychain: "password in the keychain",
  "docker-config": "password in Docker's config",
  session: "signed in until you quit",
};

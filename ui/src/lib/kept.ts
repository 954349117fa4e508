/** Where a registry's password is, in words. */
import type { Kept } from "../generated/contract";

export const keptWords: Record<Kept, string> = {
  keychain: "password in the keychain",
  "docker-config": "password in Docker's config",
  session: "signed in until you quit",
};

/** Where a registry's password is, in words. */
import type { Kept } from "../generated/contract";

export const keptWords: Record<Kept, string> = {
  keychain: "password in the system keychain",
  "docker-config": "password in Docker's config.json",
  session: "password kept until you quit",
};

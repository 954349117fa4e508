import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "./styles/tokens.css";
import "./styles/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { connect } from "./host";
import { Studio } from "./lib/studio.svelte";

const target = document.getElementById("app");
if (target) {
  try {
    mount(App, { target, props: { app: await Studio.start(await connect()) } });
  } catch (failure) {
    target.textContent =
      failure instanceof Error
        ? failure.message
        : String((failure as { message?: string }).message ?? failure);
    throw failure;
  }
}

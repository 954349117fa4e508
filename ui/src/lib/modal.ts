/** Shows a dialog over all else while it exists; what was focused before gets the focus back. */
export function modal(dialog: HTMLDialogElement): () => void {
  const before = document.activeElement;
  dialog.showModal();
  // No `close()` at the end: its event would come late, to whatever dialog is shown by then.
  return () => {
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
}

/** An attachment that shows a dialog as modal, and gives the focus back when it is removed. */
export function modal(dialog: HTMLDialogElement): () => void {
  const before = document.activeElement;
  dialog.showModal();
  // No `close()` here: its event is asynchronous, and would close the next dialog.
  return () => {
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
}

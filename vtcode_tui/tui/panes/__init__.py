"""The panes: chat, diff preview, approval queue, terminal, event log; and the prompt and the status bar."""

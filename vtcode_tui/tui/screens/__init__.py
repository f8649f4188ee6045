"""The screens: work, help, trust, no model, sessions, replay."""

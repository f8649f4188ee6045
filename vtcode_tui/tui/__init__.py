"""The full-screen application: a reader of events, a sender of intents. The only room that imports textual."""

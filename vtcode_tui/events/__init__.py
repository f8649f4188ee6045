"""Everything that happens: event types, the bus, the journal."""

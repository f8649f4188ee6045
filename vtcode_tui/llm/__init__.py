"""Models: the message model, one module per wire, transport, failover."""

"""Attacks and workloads that ship with vtcode, run against the machine's own kernel and configuration."""

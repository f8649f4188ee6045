"""Events as lines of styled text, with every hostile byte made visible. No textual here."""

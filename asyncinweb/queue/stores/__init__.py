"""How the queue reaches its database: connections, transactions, statements. No verbs, no tables."""

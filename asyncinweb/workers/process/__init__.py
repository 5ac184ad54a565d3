"""One process of the tree: how a child starts, its signals, its environment, its folder, its memory."""

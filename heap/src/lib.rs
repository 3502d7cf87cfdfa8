//! Tagged words, headers, arenas, class table, handles and verifier of the Instar object heap.

//! Model checks of Instar's concurrent protocols.

//! What the runtime knows of guest objects.

pub mod known;
pub mod layout;
pub mod symbols;
pub mod value;

pub use known::{Known, Special};
pub use value::Value;

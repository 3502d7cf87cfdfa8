//! One object space and how it runs: start reading at [`run`].

pub mod alarms;
pub(crate) mod bindings;
pub(crate) mod census;
pub mod contexts;
mod digest;
pub mod frames;
pub mod image;
pub mod inbox;
pub mod inject;
pub mod install;
pub mod interrupt;
pub mod lookup;
pub mod make;
pub(crate) mod migrate;
mod non_boolean;
mod origin;
mod pragmas;
pub(crate) mod readiness;
pub(crate) mod refresh;
mod reserve;
mod rest;
pub(crate) mod roots;
pub mod run;
pub(crate) mod safe_point;
pub mod schedule;
pub mod send;
pub mod space;
pub mod stack;
pub mod swap;
mod trace;

pub use image::SpaceImage;
pub use inject::RandomBecomes;
pub use origin::Origin;
pub use space::{Space, SpaceError, SpaceOptions};

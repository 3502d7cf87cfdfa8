//! Load on an HTTP server, with every answer checked.
//!
//! A [`Script`](script::Script) says what one client asks for, and judges what it gets; [`run`](run::run) lets many clients follow their
//! scripts, in a closed loop or at a constant rate of arrivals, and keeps a [`Sample`](samples::Sample) of each request. [`chat`] is the
//! script for the chat application, whose books tell how many messages were lost or doubled, and [`forge`] that for the forge, which tells it of
//! commits.

pub mod chat;
pub mod connection;
pub mod forge;
pub mod report;
pub mod run;
pub mod samples;
pub mod script;

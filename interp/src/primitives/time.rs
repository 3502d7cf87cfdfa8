//! Clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{Local, Offset, TimeZone};

use super::{Answer, Call, Primitive, Table};
use crate::objects::Special;
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("timeUtcMicroseconds", Primitive::Plain(utc_microseconds)),
    ("timeMonotonicMicroseconds", Primitive::Plain(monotonic_microseconds)),
    ("timeLocalOffset", Primitive::Plain(local_offset)),
];

/// Seconds from the beginning of 1901, where the guest's clock starts, to that of 1970.
const UNIX_EPOCH_SECONDS: i64 = 2_177_452_800;

fn new_integer(space: &mut Space, value: i64) -> Answer {
    space.new_integer(value).map_err(|error| space.memory_failure(error))
}

/// Microseconds since the beginning of 1901, universal time.
fn utc_microseconds(space: &mut Space, _call: Call) -> Answer {
    let microseconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    };
    new_integer(space, UNIX_EPOCH_SECONDS * 1_000_000 + microseconds)
}

/// Microseconds since the space was made, never set back.
fn monotonic_microseconds(space: &mut Space, _call: Call) -> Answer {
    let microseconds = space.started.elapsed().as_micros() as i64;
    new_integer(space, microseconds)
}

/// How many seconds local time is ahead of universal time at a moment, given in seconds since the beginning of 1901.
fn local_offset(space: &mut Space, call: Call) -> Answer {
    let moment = space.argument(call, 0).as_integer().ok_or(space.failure(Special::BadArgument))?;
    let moment = Local.timestamp_opt(moment - UNIX_EPOCH_SECONDS, 0).single();
    let moment = moment.ok_or(space.failure(Special::BadArgument))?;
    new_integer(space, i64::from(moment.offset().fix().local_minus_utc()))
}

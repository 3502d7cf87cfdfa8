//! Why an operation on another space was refused. Nothing has changed then.

use instar_heap::HeapError;

use crate::bootstrap::Problem;
use crate::vm::SpaceError;

/// Why an operation on another space was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// A mirror of one space was given to an operation on another.
    #[error("the mirror is of space {found}, not of space {expected}: no reference crosses spaces")]
    WrongSpace {
        /// The space that was operated on.
        expected: u64,
        /// The mirror's.
        found: u64,
    },
    /// An object is not what the operation needs.
    #[error("wrong shape: {0}")]
    WrongShape(String),
    /// The mirror's object was collected.
    #[error("the object of this mirror is dead: its space ran on and nothing else referred to it")]
    Dead,
    /// The mirror was let go of.
    #[error("this mirror was released")]
    Released,
    /// The space has to be suspended for this.
    #[error("the space is running: suspend it first")]
    Running,
    /// The space is gone.
    #[error("the space was discarded")]
    Discarded,
    /// It did not come to a point where it can be suspended in time.
    #[error("{0}")]
    TimedOut(String),
    /// There is none of that name.
    #[error("there is no {0}")]
    NotFound(String),
    /// A source does not compile: the rendered errors.
    #[error("{0}")]
    Source(String),
    /// It is not to be changed, or not in this way.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no memory for it.
    #[error("out of memory: {0}")]
    Memory(String),
}

impl From<HeapError> for MirrorError {
    fn from(error: HeapError) -> MirrorError {
        match error {
            HeapError::OtherShape { .. } | HeapError::NotIndexable { .. } | HeapError::BadClass { .. } => {
                MirrorError::WrongShape(error.to_string())
            }
            other => MirrorError::Memory(other.to_string()),
        }
    }
}

impl From<SpaceError> for MirrorError {
    fn from(error: SpaceError) -> MirrorError {
        match error {
            SpaceError::Heap(error) => error.into(),
            SpaceError::Load(text) => MirrorError::Refused(text),
        }
    }
}

impl From<Problem> for MirrorError {
    fn from(problem: Problem) -> MirrorError {
        match problem {
            Problem::Source(text) => MirrorError::Source(text),
            Problem::Memory(error) => error.into(),
            other => MirrorError::Refused(other.to_string()),
        }
    }
}

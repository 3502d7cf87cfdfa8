//! The objects that the runtime refers to by role: classes, selectors that it sends, and a few others.
//!
//! They are roots, healed by become like all roots: replacing the class of Arrays replaces it here as well.

macro_rules! known_classes {
    ($($name:ident)+) => {
        /// A class that the runtime makes instances of or tests for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        #[expect(missing_docs, reason = "each is the guest class of that name")]
        pub enum Known { $($name,)+ }

        impl Known {
            /// All of them, in order.
            pub const ALL: &'static [Known] = &[$(Known::$name,)+];

            /// The class's name in the guest.
            pub const fn name(self) -> &'static str {
                match self { $(Known::$name => stringify!($name),)+ }
            }
        }
    };
}

known_classes! {
    UndefinedObject True False SmallInteger Character SmallFloat64 BoxedFloat64 LargePositiveInteger LargeNegativeInteger
    Array ByteArray ByteString WideString ByteSymbol WideSymbol Association Class Metaclass Trait ClassTrait MethodDictionary
    CompiledMethod CompiledBlock BlockClosure Context Cells Message Pragma Process Semaphore LinkedList Fraction ScaledDecimal
    SystemDictionary Dictionary IdentityDictionary Object
}

macro_rules! selectors {
    ($($name:ident $text:literal)+) => {
        /// A selector that the runtime sends or compares with, or another object by role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        #[expect(missing_docs, reason = "named like the selector")]
        pub enum Special { True, False, Smalltalk, Globals, Undeclared, Scheduler, $($name,)+ }

        impl Special {
            /// The selectors among them, with their text.
            pub const SELECTORS: &'static [(Special, &'static str)] = &[$((Special::$name, $text),)+];
            /// How many there are.
            pub const COUNT: usize = 6 + Self::SELECTORS.len();
        }
    };
}

selectors! {
    DoesNotUnderstand "doesNotUnderstand:"
    CannotReturn "cannotReturn:"
    MustBeBoolean "mustBeBoolean"
    AttemptToAssign "attemptToAssign:withIndex:"
    UnwindToAnswering "unwindTo:answering:"
    StackOverflow "stackOverflow"
    OutOfMemory "outOfMemory"
    RunWithIn "run:with:in:"
    Failed "primitive failed"
    BadReceiver "bad receiver"
    BadArgument "bad argument"
    BadIndex "bad index"
    BadNumberOfArguments "bad number of arguments"
    InappropriateOperation "inappropriate operation"
    Unsupported "unsupported operation"
    NoMemory "no memory"
    NotFound "not found"
    ReadOnly "read only"
    DoIt "DoIt"
    Unclassified "as yet unclassified"
}

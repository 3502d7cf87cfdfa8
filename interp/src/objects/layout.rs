//! Slot numbers of the objects that the runtime reads and writes, and the variables that the kernel must declare for them.
//!
//! \[layouts\] Bootstrap compares [`LAYOUTS`] with the kernel's sources, so that a kernel which does not fit does not start.

macro_rules! layouts {
    ($($(#[doc = $doc:literal])+ $module:ident $class:literal { $($slot:ident $name:literal = $index:literal),* $(,)? })+) => {
        $(
            $(#[doc = $doc])+
            pub mod $module {
                $(#[doc = concat!("Slot of `", $name, "`.")] pub const $slot: usize = $index;)*
            }
        )+

        /// For each class that the runtime knows: its name, and names of the slots it relies on with their numbers.
        pub const LAYOUTS: &[(&str, &[(&str, usize)])] = &[$(($class, &[$(($name, $index)),*]),)+];
    };
}

layouts! {
    /// Classes, metaclasses and traits.
    behavior "Behavior" {
        SUPERCLASS "superclass" = 0,
        METHOD_DICT "methodDict" = 1,
        FORMAT "format" = 2,
        CLASS_INDEX "classIndex" = 3,
    }
    /// What classes and metaclasses share.
    class_description "ClassDescription" {
        INSTANCE_VARIABLES "instanceVariables" = 4,
        TRAIT_COMPOSITION "traitComposition" = 5,
        COMMENT "comment" = 6,
        PACKAGE_NAME "packageName" = 7,
    }
    /// Classes.
    class "Class" {
        NAME "name" = 8,
        SUBCLASSES "subclasses" = 9,
        CLASS_POOL "classPool" = 10,
        SHARED_POOLS "sharedPools" = 11,
        ENVIRONMENT "environment" = 12,
        TAG "tag" = 13,
    }
    /// Metaclasses.
    metaclass "Metaclass" {
        THIS_CLASS "thisClass" = 8,
    }
    /// Sets and dictionaries.
    hashed "HashedCollection" {
        TALLY "tally" = 0,
        ARRAY "array" = 1,
    }
    /// Bindings of variables, and elements of dictionaries.
    association "Association" {
        KEY "key" = 0,
        VALUE "value" = 1,
    }
    /// Compiled methods and blocks; the literals follow.
    compiled "CompiledCode" {
        CODE "code" = 0,
        SELECTOR "selector" = 1,
        METHOD_CLASS "methodClass" = 2,
        OUTER "outer" = 3,
        SOURCE "source" = 4,
        PROTOCOL "protocol" = 5,
        PACKAGE_NAME "packageName" = 6,
        PRAGMAS "pragmas" = 7,
        PROPERTIES "properties" = 8,
    }
    /// Closures; the copied values follow.
    closure "BlockClosure" {
        RECEIVER "receiver" = 0,
        BLOCK "compiledBlock" = 1,
        HOME "home" = 2,
    }
    /// Contexts; the registers follow once the frame is gone.
    context "Context" {
        STACK "stack" = 0,
        FRAME "frame" = 1,
        SERIAL "serial" = 2,
        METHOD "method" = 3,
        CLOSURE "closure" = 4,
        RECEIVER "receiver" = 5,
        PC "pc" = 6,
        SENDER "sender" = 7,
    }
    /// Processes.
    process "Process" {
        NEXT_LINK "nextLink" = 0,
        PRIORITY "priority" = 1,
        MY_LIST "myList" = 2,
        STACK "stack" = 3,
        NAME "name" = 4,
        ENVIRONMENT "environment" = 5,
        GRANTED "granted" = 6,
        END_SEMAPHORE "endSemaphore" = 10,
    }
    /// Lists of processes, semaphores among them.
    semaphore "Semaphore" {
        FIRST_LINK "firstLink" = 0,
        LAST_LINK "lastLink" = 1,
        EXCESS_SIGNALS "excessSignals" = 2,
    }
    /// The scheduler.
    scheduler "ProcessorScheduler" {
        LISTS "quiescentProcessLists" = 0,
        ACTIVE "activeProcess" = 1,
    }
    /// What `doesNotUnderstand:` gets.
    message "Message" {
        SELECTOR "selector" = 0,
        ARGS "args" = 1,
        LOOKUP_CLASS "lookupClass" = 2,
    }
    /// Pragmas.
    pragma "Pragma" {
        METHOD "method" = 0,
        SELECTOR "selector" = 1,
        ARGUMENTS "arguments" = 2,
    }
    /// Fractions with a number of digits.
    scaled_decimal "ScaledDecimal" {
        NUMERATOR "numerator" = 0,
        DENOMINATOR "denominator" = 1,
        SCALE "scale" = 2,
    }
}

/// Number of named slots of [`compiled`] objects: literals begin here.
pub const COMPILED_NAMED: usize = 9;
/// Number of named slots of a closure: copied values begin here.
pub const CLOSURE_NAMED: usize = 3;
/// Number of named slots of a context.
pub const CONTEXT_NAMED: usize = 8;

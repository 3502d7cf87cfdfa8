//! All experiments, in the order in which they are run: the question of each, how it is answered, what others published, and what is to be reached.

/// An experiment.
#[derive(Debug)]
pub struct Experiment {
    /// As in the plan of experiments; empty for those beyond it.
    pub id: &'static str,
    /// The name of its command.
    pub name: &'static str,
    /// For headings.
    pub title: &'static str,
    /// What it is to answer.
    pub question: &'static str,
    /// How.
    pub method: &'static str,
    /// The command, behind `instar`.
    pub command: &'static str,
    /// The CSVs that it writes; the first is the one that figures are of.
    pub csvs: &'static [&'static str],
    /// What tells the machine and the commit.
    pub manifest: &'static str,
    /// Its figures.
    pub findings: &'static [Finding],
    /// What they mean; `{0}` is the first of them, and so on.
    pub meaning: &'static str,
    /// The rows that the table is made of, by the conditions of [`formula`](crate::formula).
    pub rows: &'static str,
    /// The columns by which they are grouped.
    pub by: &'static [&'static str],
    /// The columns of which medians are shown.
    pub columns: &'static [&'static str],
}

/// A figure of an experiment.
#[derive(Debug)]
pub struct Finding {
    /// What it is.
    pub what: &'static str,
    /// The rows, by the conditions of [`formula`](crate::formula).
    pub rows: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// What others have: figures with their source. Empty if nobody published any.
    pub published: &'static str,
    /// What is to be reached.
    pub target: Option<Target>,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The figure is to be no larger.
    AtMost(f64),
    /// The figure is to be no smaller.
    AtLeast(f64),
}

use Target::{AtLeast, AtMost};

const fn finding(
    what: &'static str,
    rows: &'static str,
    formula: &'static str,
    published: &'static str,
    target: Option<Target>,
) -> Finding {
    Finding { what, rows, formula, published, target }
}

const MS: f64 = 1e6;
const S: f64 = 1e9;

/// All of them.
pub const ALL: [Experiment; 15] = [
    Experiment {
        id: "E1",
        name: "become",
        title: "Become: forwarders against scans",
        question: "Every reference to an object must lead to another one. How long does everything stand still meanwhile, and who pays later?",
        method: "One program, compiled once for each strategy: lazy forwarders behind a partial read barrier, the same with a check at every access, a scan of the whole heap, an object table. \
                 Each observation is a process of its own: build the heap, make the objects old, pass through all references, become in bulk, pass twice, scavenge, collect, pass again. \
                 Strategies take turns within each run.",
        command: "sweep",
        csvs: &["become.csv", "limits.csv"],
        manifest: "manifest.json",
        findings: &[
            finding(
                "pause of one pair among 10⁷ others, lazy",
                "strategy=lazy workers=1 pairs=1 bystanders=10000000 kind=one-way age=old references_per_object=1 holder=field",
                "median(pause_ns)",
                "Spur, on such a machine: 0.8 µs (interpreter), 2.1 to 2.5 µs (JIT)",
                Some(AtMost(800.0)),
            ),
            finding(
                "the same, full scan",
                "strategy=full-scan workers=1 pairs=1 bystanders=10000000 kind=one-way age=old references_per_object=1 holder=field",
                "median(pause_ns)",
                "",
                None,
            ),
            finding(
                "pause of 10⁷ pairs among 10⁶ others, lazy",
                "strategy=lazy workers=1 pairs=10000000 bystanders=1000000 kind=one-way age=old references_per_object=1 holder=field",
                "median(pause_ns)",
                "Spur, on such a machine: 123 ms",
                Some(AtMost(123.0 * MS)),
            ),
            finding(
                "the same, full scan",
                "strategy=full-scan workers=1 pairs=10000000 bystanders=1000000 kind=one-way age=old references_per_object=1 holder=field",
                "median(pause_ns)",
                "",
                None,
            ),
            finding(
                "the second pass afterwards against the pass before",
                "strategy=lazy workers=1 pairs=10000000 bystanders=1000000 kind=one-way age=old references_per_object=1 holder=field",
                "median(second_pass_ns) / median(plain_pass_ns)",
                "Spur, through an Array: 15× until a full collection",
                Some(AtMost(1.05)),
            ),
        ],
        meaning: "One object among ten million changes its identity in {0} with a forwarder and in {1} with a scan, ten million do in {2} and {3}; once references have healed, reading takes {4} the time of before.",
        rows: "kind=one-way age=old references_per_object=1 holder=field workers=1",
        by: &["pairs", "bystanders", "strategy"],
        columns: &["pause_ns", "plain_pass_ns", "first_pass_ns", "second_pass_ns", "peak_rss_bytes"],
    },
    Experiment {
        id: "",
        name: "lang",
        title: "The language against others",
        question: "Is the interpreter that all of this runs on a fast one?",
        method: "Thirteen programs that exist in Smalltalk, Python and Lua with the same algorithms, classes and parameters, every result checked; each observation is a process of its own, in shuffled order.",
        command: "bench lang",
        csvs: &["lang.csv"],
        manifest: "lang-manifest.json",
        findings: &[
            finding(
                "time of the classic set, CPython 3.11 = 1, geometric mean",
                "set=classic",
                "ratios(time_ns: system=instar / cpython)",
                "on such a machine: Ruby 0.98, LuaJIT's interpreter 0.53, SOM++ 1.42",
                Some(AtMost(0.8)),
            ),
            finding(
                "the same, Lua 5.4",
                "set=classic",
                "ratios(time_ns: system=lua / cpython)",
                "on such a machine: 0.79",
                None,
            ),
            finding(
                "time of Fib, CPython = 1",
                "benchmark=Fib",
                "ratios(time_ns: system=instar / cpython)",
                "",
                Some(AtMost(1.0)),
            ),
        ],
        meaning: "The classic set takes {0} the time that it takes in CPython, where Lua takes {1}.",
        rows: "set=classic",
        by: &["benchmark", "system"],
        columns: &["time_ns"],
    },
    Experiment {
        id: "E2",
        name: "barrier",
        title: "What the read barrier costs",
        question: "What does a program pay for the possibility that objects become others, if none does?",
        method: "The whole suite under lazy, always-check and full-scan, whose interpreter never checks: the same source compiled three times, in turns.",
        command: "bench barrier",
        csvs: &["barrier.csv", "barrier-instructions.csv"],
        manifest: "barrier-manifest.json",
        findings: &[
            finding(
                "time with the partial barrier, never checking = 1, geometric mean",
                "",
                "ratios(time_ns: strategy=lazy / full-scan)",
                "asked for in 2015 by the barrier's designer, never published; 5.4 % in a JIT-compiled Java (Yang et al. 2012)",
                Some(AtMost(1.01)),
            ),
            finding(
                "time with a check at every access",
                "",
                "ratios(time_ns: strategy=always-check / full-scan)",
                "",
                None,
            ),
        ],
        meaning: "With the partial barrier programs take {0} the time that they take without any.",
        rows: "",
        by: &["benchmark", "strategy"],
        columns: &["time_ns"],
    },
    Experiment {
        id: "",
        name: "heal",
        title: "How references heal",
        question: "How often does a program meet a forwarder after a become?",
        method: "10⁶ objects held in several ways become others; the passes before, and the first three afterwards, without a collection in between.",
        command: "bench heal",
        csvs: &["heal.csv"],
        manifest: "heal-manifest.json",
        findings: &[
            finding(
                "the second pass through an Array against that before",
                "holder=array",
                "median(second_pass_ns) / median(before_ns)",
                "Spur: 15×, until a full collection",
                Some(AtMost(1.05)),
            ),
            finding(
                "the first one",
                "holder=array",
                "median(first_pass_ns) / median(before_ns)",
                "Spur: 15×",
                None,
            ),
            finding(
                "the second pass through instance variables",
                "holder=variables",
                "median(second_pass_ns) / median(before_ns)",
                "Spur: 1.05×",
                Some(AtMost(1.05)),
            ),
        ],
        meaning: "The first pass through an Array of such objects takes {1} the time of before, the second {0}.",
        rows: "",
        by: &["holder", "strategy"],
        columns: &["before_ns", "first_pass_ns", "second_pass_ns", "third_pass_ns"],
    },
    Experiment {
        id: "E3",
        name: "gdsu",
        title: "gDSU: an update against the number of instances",
        question: "How long does an update stop a program, and for what?",
        method: "The chat model goes to its second version and back with 0 to 10⁷ live messages, half of users and half of rooms; all instances are old, and every message is checked afterwards. \
                 The wait for the safe point, the stop and the whole are three columns.",
        command: "bench gdsu",
        csvs: &["gdsu.csv"],
        manifest: "gdsu-manifest.json",
        findings: &[
            finding(
                "stop with 10⁷ instances, two workers",
                "instances=10000000 policy=standard workers=2",
                "median(stop_ns)",
                "on such a machine: DCEVM 903 ms, CPython 2.28 s, Erlang 2.29 to 10.6 s, Spur 3.24 s",
                Some(AtMost(400.0 * MS)),
            ),
            finding(
                "the longest of these, the first of the process",
                "instances=10000000 policy=standard workers=2",
                "max(stop_ns)",
                "",
                None,
            ),
            finding(
                "stop with 10⁵ instances",
                "instances=100000 policy=standard workers=2",
                "median(stop_ns)",
                "gDSU in Pharo: 250 ms stopped, 1 s in all; on such a machine DCEVM 20 ms, CPython 9 ms",
                Some(AtMost(8.0 * MS)),
            ),
            finding(
                "all of an update with a policy in Smalltalk, 10⁷ instances",
                "instances=10000000 policy=custom workers=2",
                "median(total_ns)",
                "gDSU in Pharo: about 25,000 instances a second, 400 s",
                Some(AtMost(4.0 * S)),
            ),
        ],
        meaning: "Ten million live instances change class and shape in a stop of {0}, a hundred thousand in {2}.",
        rows: "",
        by: &["policy", "instances"],
        columns: &[
            "safe_point_wait_ns",
            "stop_ns",
            "total_ns",
            "rss_before_bytes",
            "rss_peak_bytes",
            "rss_after_bytes",
        ],
    },
    Experiment {
        id: "E5",
        name: "virtualization",
        title: "Espell: what a hypervisor costs",
        question: "Is a program slower because another space can change it?",
        method: "The programs of the Benchmarks Game plain and as an application space under a hypervisor, in pairs of alternating order.",
        command: "bench virtualization",
        csvs: &["virtualization.csv"],
        manifest: "virtualization-manifest.json",
        findings: &[finding(
            "time under a hypervisor, plain = 1, geometric mean",
            "",
            "ratios(time_ns: mode=virtualized / plain)",
            "Espell, Table 1: 0.63 to 1.18",
            Some(AtMost(1.01)),
        )],
        meaning: "Under a hypervisor programs take {0} the time that they take alone.",
        rows: "",
        by: &["benchmark", "mode"],
        columns: &["time_ns"],
    },
    Experiment {
        id: "E6",
        name: "fixes",
        title: "Espell: fixes of the core library from outside",
        question: "Can the classes that everything runs on be mended in one step, and how long does that take?",
        method: "The three real fixes of Espell's Table 2, the push-up of do: and the replacement of SmallInteger, applied from a hypervisor to a program with 100 threads of depth 100 and 10⁶ live objects, \
                 which finds everything wrong before and right afterwards.",
        command: "bench fixes",
        csvs: &["fixes.csv"],
        manifest: "fixes-manifest.json",
        findings: &[
            finding(
                "the longest pause",
                "",
                "max(pause_ns)",
                "Espell gives none for these",
                Some(AtMost(5.0 * MS)),
            ),
            finding("steps of each", "", "max(steps)", "Espell: one atomic step", Some(AtMost(1.0))),
        ],
        meaning: "Each fix is one step, and none stopped the program for longer than {0}.",
        rows: "",
        by: &["fix"],
        columns: &["classes", "methods", "steps", "pause_ns", "gathering_ns", "preparation_ns"],
    },
    Experiment {
        id: "E8",
        name: "functional",
        title: "What can be updated",
        question: "Do the scenarios of both papers work, those that change the updater itself included?",
        method: "Each scenario is a script in a process of its own that checks what must hold before, in between and afterwards.",
        command: "bench functional",
        csvs: &["functional.csv"],
        manifest: "functional-manifest.json",
        findings: &[
            finding("scenarios that pass", "result=pass", "rows()", "", None),
            finding("scenarios that do not", "result=fail", "rows()", "", Some(AtMost(0.0))),
            finding("the longest stop", "", "max(longest_stop_ns)", "", None),
        ],
        meaning: "{0} scenarios pass, {1} do not.",
        rows: "",
        by: &["id", "source", "result"],
        columns: &["scenario", "longest_stop_ns", "detail"],
    },
    Experiment {
        id: "E9",
        name: "effort",
        title: "Lines of code",
        question: "How much code is it?",
        method: "Lines with something besides white space and comments, tests left out, by the components of Espell's Table 3 and those beyond it.",
        command: "bench effort",
        csvs: &["effort.csv"],
        manifest: "effort-manifest.json",
        findings: &[
            finding(
                "lines of the parts that the paper counts",
                "paper_lines!=",
                "sum(code_lines)",
                "Espell, Table 3: 5,244",
                None,
            ),
            finding("lines of everything", "", "sum(code_lines)", "", None),
        ],
        meaning: "The parts that the paper counts have {0} lines here; everything has {1}.",
        rows: "",
        by: &["component", "language"],
        columns: &["paper_lines", "files", "code_lines"],
    },
    Experiment {
        id: "E4",
        name: "server",
        title: "A service is updated under load",
        question: "What do the users of a stateful service notice of its update?",
        method: "The chat application over HTTP with 28,500, 10⁶ and 10⁷ live messages; ten clients, 120 s, 1 look : 50 posts : 1 fetch, every answer checked; an update is asked for after 60 s. At 700 requests a second by the clock, \
                 where latencies count from when a request was due, and as fast as answers come. The window of an update lasts from the first request that it delayed to half a second behind its answer.",
        command: "bench server",
        csvs: &["server.csv", "server-series.csv"],
        manifest: "server-manifest.json",
        findings: &[
            finding(
                "the longest response, 28,500 messages, the model's update",
                "instances=28500 pace=700/s update=model window=update",
                "max(max_ns)",
                "gDSU in Pharo: 1,400 ms",
                Some(AtMost(10.0 * MS)),
            ),
            finding(
                "the same, the kernel's update",
                "instances=28500 pace=700/s update=kernel window=update",
                "max(max_ns)",
                "",
                Some(AtMost(10.0 * MS)),
            ),
            finding(
                "the same, the engine's own",
                "instances=28500 pace=700/s update=engine window=update",
                "max(max_ns)",
                "",
                Some(AtMost(10.0 * MS)),
            ),
            finding(
                "the longest of any update, 10⁶ messages",
                "instances=1000000 pace=700/s window=update",
                "max(max_ns)",
                "",
                Some(AtMost(80.0 * MS)),
            ),
            finding(
                "the longest of any update, 10⁷ messages",
                "instances=10000000 pace=700/s window=update",
                "max(max_ns)",
                "",
                Some(AtMost(600.0 * MS)),
            ),
            finding(
                "99 of 100 responses without an update",
                "instances=28500 pace=700/s update=none window=all",
                "median(p99_ns)",
                "gDSU in Pharo: 22 ms on average",
                Some(AtMost(5.0 * MS)),
            ),
            finding(
                "requests as fast as answers come",
                "instances=28500 pace=closed update=none window=all",
                "rate(requests / window_ns)",
                "",
                Some(AtLeast(5000.0)),
            ),
            finding("failed requests", "window=all", "sum(failed)", "", Some(AtMost(0.0))),
            finding("lost messages", "window=all", "sum(lost)", "", Some(AtMost(0.0))),
            finding("doubled messages", "window=all", "sum(doubled)", "", Some(AtMost(0.0))),
        ],
        meaning: "With the paper's number of messages nobody waited longer than {0} when the model changed, with 10⁶ than {3}, with 10⁷ than {4}; {7} requests failed, {8} messages were lost and {9} doubled.",
        rows: "window!=all",
        by: &["instances", "pace", "update", "window"],
        columns: &["requests", "p50_ns", "p99_ns", "p999_ns", "max_ns", "stop_ns", "migrated"],
    },
    Experiment {
        id: "E7",
        name: "webapp",
        title: "The library below a service is updated under load",
        question: "What do users notice when the core library below a web application is mended, where the runtime finds a safe point and where the program names it?",
        method: "A small code-hosting service; twenty users, 90 s, an update after 30 s: the three real fixes and the push-up of do:, by gDSU at a safe point that it finds, and by Chester at the update point \
                 before each request.",
        command: "bench webapp",
        csvs: &["webapp.csv", "webapp-series.csv"],
        manifest: "webapp-manifest.json",
        findings: &[
            finding(
                "the longest response in an update's window, automatic safe points",
                "window=update safe_point=automatic",
                "max(max_ns)",
                "Espell, Figure 4: slower by 8 s at worst",
                None,
            ),
            finding(
                "the same, explicit update points",
                "window=update safe_point=explicit",
                "max(max_ns)",
                "",
                None,
            ),
            finding("the longest stop", "window=all", "max(stop_ns)", "", None),
            finding(
                "failed requests, lost and doubled commits",
                "window=all",
                "sum(failed)",
                "",
                Some(AtMost(0.0)),
            ),
        ],
        meaning: "Nobody waited longer than {0} with a safe point that was found and {1} with one that was named; the longest stop was {2}.",
        rows: "window!=all",
        by: &["update", "safe_point", "window"],
        columns: &["requests", "p50_ns", "p99_ns", "p999_ns", "max_ns", "stop_ns", "wait_ns"],
    },
    Experiment {
        id: "",
        name: "soak",
        title: "Updates and their inverses, again and again",
        question: "Is anything left behind by updates of a service that never stops?",
        method: "The chat application at 700 requests a second; every 5 s for 10 minutes an update of the model, the kernel or the engine, or its inverse; in the middle between two of them it collects and says what it holds.",
        command: "bench soak",
        csvs: &["soak.csv"],
        manifest: "soak-manifest.json",
        findings: &[
            finding("updates and inverses", "", "rows()", "", None),
            finding("the longest response in a window", "", "max(max_ns)", "", None),
            finding("failed requests", "", "sum(failed)", "", Some(AtMost(0.0))),
            finding("the median stop", "", "median(stop_ns)", "", None),
        ],
        meaning: "In {0} updates and inverses the longest response was {1}, and {2} requests failed.",
        rows: "",
        by: &["update", "step"],
        columns: &[
            "total_ns",
            "stop_ns",
            "max_ns",
            "heap_bytes",
            "rss_bytes",
            "classes",
            "methods",
            "symbols",
        ],
    },
    Experiment {
        id: "",
        name: "safepoints",
        title: "Return barriers against update points",
        question: "How long does an update of a busy program wait for its safe point?",
        method: "Processes that are idle for some milliseconds and then inside a method that the update changes, so many activations deep. Return barriers need a moment at which all are outside; update points keep those who come.",
        command: "bench safepoints",
        csvs: &["safepoints.csv"],
        manifest: "safepoints-manifest.json",
        findings: &[
            finding(
                "updates with return barriers that found no safe point in time",
                "strategy=return-barriers result=timeout",
                "rows()",
                "",
                None,
            ),
            finding(
                "the same with update points",
                "strategy=update-points result=timeout",
                "rows()",
                "",
                Some(AtMost(0.0)),
            ),
            finding(
                "the median wait with update points",
                "strategy=update-points result=committed",
                "median(safe_point_wait_ns)",
                "",
                None,
            ),
        ],
        meaning: "Return barriers gave up {0} times, update points {1} times; these waited {2}.",
        rows: "send_ns=",
        by: &["processes", "depth", "strategy", "result"],
        columns: &["safe_point_wait_ns", "stop_ns", "total_ns"],
    },
    Experiment {
        id: "E10",
        name: "scale",
        title: "How an update grows",
        question: "What makes an update longer?",
        method: "One figure at a time is made larger: processes, the depth of ten stacks, objects that the update does not concern, classes in the patch, methods in the patch.",
        command: "bench scale",
        csvs: &["scale.csv"],
        manifest: "scale-manifest.json",
        findings: &[
            finding("stop with 10⁴ processes", "dimension=threads size=10000", "median(stop_ns)", "", None),
            finding(
                "with stacks of 10⁴ activations",
                "dimension=depth size=10000",
                "median(stop_ns)",
                "",
                None,
            ),
            finding(
                "with 10⁷ objects that it does not concern",
                "dimension=heap size=10000000",
                "median(stop_ns)",
                "",
                None,
            ),
            finding(
                "with 1,000 classes in the patch",
                "dimension=classes size=1000",
                "median(stop_ns)",
                "",
                None,
            ),
            finding(
                "with 1,000 methods in the patch",
                "dimension=methods size=1000",
                "median(stop_ns)",
                "",
                None,
            ),
        ],
        meaning: "The program stops for {0} with 10⁴ processes, {1} with deep stacks, {2} in a large heap, {3} and {4} with large patches.",
        rows: "",
        by: &["dimension", "size"],
        columns: &["safe_point_wait_ns", "stop_ns", "total_ns"],
    },
    Experiment {
        id: "E11",
        name: "peers",
        title: "The same change elsewhere",
        question: "How long does the same change of schema take in other systems?",
        method: "The class of all messages is split in two with 0 to 10⁷ live instances, here and in the systems that are installed, each as its users would do it. They do not do the same: SBCL's lazy change leaves the work to the first access, \
                 in Java and Erlang the application copies all instances itself, and only here is anything validated, or found without the program's help.",
        command: "bench peers",
        csvs: &["peers.csv"],
        manifest: "peers-manifest.json",
        findings: &[
            finding(
                "stop here, 10⁷ instances",
                "system=instar instances=10000000 result=changed",
                "median(stop_ns)",
                "",
                None,
            ),
            finding(
                "CPython",
                "system=cpython instances=10000000 result=changed",
                "median(stop_ns)",
                "on such a machine: 2.28 s",
                None,
            ),
            finding(
                "SBCL, eager",
                "system=sbcl-eager instances=10000000 result=changed",
                "median(stop_ns)",
                "on such a machine: 4.33 s",
                None,
            ),
            finding(
                "Erlang, a map",
                "system=erlang-map instances=10000000 result=changed",
                "median(stop_ns)",
                "on such a machine: 10.6 s",
                None,
            ),
            finding(
                "OpenJDK, a loop of the application's",
                "system=openjdk-copy instances=10000000 result=changed",
                "median(stop_ns)",
                "on such a machine: 376 ms",
                None,
            ),
        ],
        meaning: "Ten million instances change their schema in {0} here.",
        rows: "result=changed",
        by: &["instances", "system"],
        columns: &["stop_ns", "total_ns", "peak_rss_bytes"],
    },
];

/// The experiment whose command has a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Experiment> {
    ALL.iter().find(|experiment| experiment.name == name)
}

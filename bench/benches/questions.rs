//! The benches: each question is a file, and its figures stand beside what the machine can do at best.
//!
//! `cargo bench -p instar-bench` answers all, `cargo bench -p instar-bench -- heap_walk` one of them;
//! `INSTAR_BENCH_OBJECTS=10000000` sets the size.

mod allocation;
mod bulk_become;
mod class_table;
mod compact;
mod forwarder_follow;
mod forwarder_heal;
mod forwarder_install;
mod full_collection;
mod heap_walk;
mod mark;
mod nursery;
mod scavenge;
mod slot_read;
mod support;
mod targets;

use support::Question;

type Figures = fn(&mut Question<'_>);

fn main() {
    let questions: [(&str, Figures); 14] = [
        ("allocation", allocation::figures),
        ("nursery", nursery::figures),
        ("slot_read", slot_read::figures),
        ("forwarder_install", forwarder_install::figures),
        ("forwarder_follow", forwarder_follow::figures),
        ("forwarder_heal", forwarder_heal::figures),
        ("bulk_become", bulk_become::figures),
        ("scavenge", scavenge::figures),
        ("mark", mark::figures),
        ("compact", compact::figures),
        ("full_collection", full_collection::figures),
        ("heap_walk", heap_walk::figures),
        ("class_table", class_table::figures),
        ("targets", targets::figures),
    ];
    // Criterion knows the name as a filter too; leaving the others out here saves their preparations.
    let chosen: Vec<String> = std::env::args().collect();
    let is_chosen = |name: &str| chosen.iter().any(|argument| argument.split('/').next() == Some(name));
    let all = !questions.iter().any(|(name, _)| is_chosen(name));
    for (name, figures) in questions {
        if all || is_chosen(name) {
            support::ask(name, figures);
        }
    }
}
